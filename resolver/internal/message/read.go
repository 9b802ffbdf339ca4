package message

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

var (
	// ErrUnreadable is a reply of which the question or the answer can't be found.
	ErrUnreadable = errors.New("its answer cannot be read")
	// ErrMalformed is a reply with something missing from a record that was asked
	// for, or too much in it.
	ErrMalformed = errors.New("its answer is not whole")
)

// Read reads a reply. It takes the records one by one. What the library does not
// read, or would not write again as it is, is carried as octets (RFC 3597), which
// the client may understand. What can't be carried is left out, unless the answer
// would be another one without it: a part must not be taken for all, nor nothing
// for a denial. The OPT record counts in whatever section it is.
//
// Of an error only the code matters, and servers that cannot handle a query are
// known to leave counts in the header for sections that they omit.
func Read(m []byte) (*dns.Msg, error) {
	reply, err := readHead(m)
	if err != nil {
		return nil, err
	}
	whole := !IsError(m) // as it has to be
	sections := [...]*[]dns.RR{&reply.Answer, &reply.Ns, &reply.Extra}
	var opt *dns.OPT
	var scratch []byte
	answers, lost := 0, []uint16(nil)
	for r := range Records(m) {
		if r.Section == 0 {
			answers++
		}
		rr := read(m, r, &scratch)
		switch {
		case rr == nil && r.Section == 0:
			lost = append(lost, r.Type(m))
		case rr == nil:
		case rr.Header().Rrtype == dns.TypeOPT:
			opt = rr.(*dns.OPT)
		default:
			*sections[r.Section] = append(*sections[r.Section], rr)
		}
	}
	switch counted := count(m, 6); {
	case !whole:
	case answers < counted:
		return nil, fmt.Errorf("%w: %d of %d answers are there", ErrUnreadable, answers, counted)
	case len(lost) > 0 && !isAnswered(reply, lost):
		return nil, fmt.Errorf("%w: data are missing from a record of type %v, or too much", ErrMalformed, dns.Type(lost[0]))
	}
	if opt != nil {
		reply.Extra = append(reply.Extra, opt)
		reply.Rcode |= opt.ExtendedRcode()
	}
	return reply, nil
}

// IsError reports whether a message's response code, as far as the header has it,
// is neither NOERROR nor NXDOMAIN.
func IsError(m []byte) bool {
	rcode := int(m[3] & 0xf)
	return rcode != dns.RcodeSuccess && rcode != dns.RcodeNameError
}

// readHead reads a message without its records.
func readHead(m []byte) (*dns.Msg, error) {
	if len(m) < headerLen {
		return nil, fmt.Errorf("%w: %d octets are no header", ErrUnreadable, len(m))
	}
	head := bytes.Clone(m[:min(questionEnd(m), len(m))])
	clear(head[6:headerLen]) // the counts of records
	reply := new(dns.Msg)
	if err := reply.Unpack(head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return reply, nil
}

// isAnswered reports whether a reply has all the records of its answer that the
// client looks for, although it has lost those of some types: aliases, and at least
// one of the type that was asked for.
func isAnswered(reply *dns.Msg, lost []uint16) bool {
	if len(reply.Question) == 0 {
		return false
	}
	qtype := reply.Question[0].Qtype
	needed := func(rrtype uint16) bool {
		return rrtype == qtype || rrtype == dns.TypeCNAME || rrtype == dns.TypeDNAME
	}
	return !slices.ContainsFunc(lost, needed) && slices.ContainsFunc(reply.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == qtype
	})
}

// read reads a record, or returns nil if it can't be carried.
func read(m []byte, r Record, scratch *[]byte) dns.RR {
	owner, _, err := dns.UnpackDomainName(m[:r.Fixed], r.Owner)
	rdata, ok := data(m, r)
	if err != nil || !ok || len(rdata) > maxData {
		return nil
	}
	header := dns.RR_Header{
		Name: ".", Rrtype: r.Type(m), Class: uint16(count(m, r.Fixed+2)),
		Ttl: uint32(count(m, r.Fixed+4))<<16 | uint32(count(m, r.Fixed+6)), Rdlength: uint16(len(rdata)),
	}
	if header.Rrtype == dns.TypeOPT {
		return readOPT(header, rdata)
	}
	rr, _, err := dns.UnpackRRWithHeader(header, rdata, 0)
	if err != nil || !writesAs(rr, rdata, scratch) {
		rr = &dns.RFC3597{Hdr: header, Rdata: hex.EncodeToString(rdata)}
	}
	rr.Header().Name = owner
	return rr
}

const (
	rootHeader = 11 // octets before the data of a record at the root
	maxData    = 1<<16 - 1
)

// writesAs reports whether the library writes a record at the root with these
// data.
func writesAs(rr dns.RR, rdata []byte, scratch *[]byte) bool {
	length := rootHeader + len(rdata)
	*scratch = slices.Grow((*scratch)[:0], length)
	written := (*scratch)[:length]
	end, err := dns.PackRR(rr, written, 0, nil, false)
	return err == nil && end == len(written) && bytes.Equal(written[rootHeader:], rdata)
}

// readOPT reads an OPT record without the options that can't be read.
func readOPT(header dns.RR_Header, options []byte) *dns.OPT {
	opt := &dns.OPT{Hdr: header}
	for len(options) >= 4 {
		end := 4 + count(options, 2)
		if end > len(options) {
			break
		}
		header.Rdlength = uint16(end)
		if one, _, err := dns.UnpackRRWithHeader(header, options[:end], 0); err == nil {
			opt.Option = append(opt.Option, one.(*dns.OPT).Option...)
		}
		options = options[end:]
	}
	return opt
}
