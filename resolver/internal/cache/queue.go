package cache

// queue is a list of entries by age.
type queue struct {
	oldest, newest *entry
	bytes          int64
}

func (q *queue) push(e *entry) {
	e.older, e.newer = q.newest, nil
	if q.newest != nil {
		q.newest.newer = e
	} else {
		q.oldest = e
	}
	q.newest = e
	q.bytes += e.cost()
}

// pushOldest is push for an entry that is older than all.
func (q *queue) pushOldest(e *entry) {
	e.older, e.newer = nil, q.oldest
	if q.oldest != nil {
		q.oldest.older = e
	} else {
		q.newest = e
	}
	q.oldest = e
	q.bytes += e.cost()
}

func (q *queue) remove(e *entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		q.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		q.oldest = e.newer
	}
	e.newer, e.older = nil, nil
	q.bytes -= e.cost()
}
