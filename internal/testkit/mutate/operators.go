package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// instead is what operators are replaced by: a comparison by its opposite and by
// the one that differs at the boundary, arithmetic by its inverse.
var instead = map[token.Token][]string{
	token.EQL:  {"!="},
	token.NEQ:  {"=="},
	token.LSS:  {"<=", ">="},
	token.LEQ:  {"<", ">"},
	token.GTR:  {">=", "<="},
	token.GEQ:  {">", "<"},
	token.LAND: {"||"},
	token.LOR:  {"&&"},
	token.ADD:  {"-"},
	token.SUB:  {"+"},
	token.MUL:  {"/"},
	token.QUO:  {"*"},
	token.REM:  {"*"},
	token.AND:  {"|"},
	token.OR:   {"&"},
	token.XOR:  {"&"},
	token.SHL:  {">>"},
	token.SHR:  {"<<"},

	token.ADD_ASSIGN: {"-="},
	token.SUB_ASSIGN: {"+="},
	token.OR_ASSIGN:  {"&="},
	token.AND_ASSIGN: {"|="},
}

// finder collects the mutants of a file.
type finder struct {
	fset     *token.FileSet
	file     *source
	function string
	mutants  []*mutant
}

// mutantsOf are those of a file, in the order of its code.
func mutantsOf(fset *token.FileSet, file *source) []*mutant {
	f := &finder{fset: fset, file: file}
	for _, decl := range file.ast.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			f.function = nameOf(decl)
			if decl.Body != nil {
				f.inFunction(decl.Type, decl.Body)
				ast.Inspect(decl.Body, f.visit)
			}
		case *ast.GenDecl:
			f.inDeclaration(decl)
		}
	}
	return f.mutants
}

// inDeclaration looks at the values of constants and variables of the package.
func (f *finder) inDeclaration(decl *ast.GenDecl) {
	for _, spec := range decl.Specs {
		if spec, ok := spec.(*ast.ValueSpec); ok {
			f.function = spec.Names[0].Name
			for _, value := range spec.Values {
				ast.Inspect(value, f.visit)
			}
		}
	}
}

// nameOf is the name of a function, as in (*Store).Watch.
func nameOf(decl *ast.FuncDecl) string {
	if decl.Recv == nil {
		return decl.Name.Name
	}
	receiver, pointer := decl.Recv.List[0].Type, false
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver, pointer = t.X, true
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.IndexListExpr:
			receiver = t.X
		case *ast.Ident:
			if pointer {
				return fmt.Sprintf("(*%s).%s", t.Name, decl.Name.Name)
			}
			return t.Name + "." + decl.Name.Name
		default:
			return decl.Name.Name
		}
	}
}

func (f *finder) offset(pos token.Pos) int { return f.fset.PositionFor(pos, false).Offset }

func (f *finder) textOf(n ast.Node) string {
	return string(f.file.text[f.offset(n.Pos()):f.offset(n.End())])
}

func (f *finder) replace(from, to token.Pos, with string) {
	f.mutants = append(f.mutants, &mutant{
		file: f.file, function: f.function, start: f.offset(from), end: f.offset(to), with: with,
	})
}

// drop leaves the ends of lines, so that the lines that follow keep their numbers.
func (f *finder) drop(n ast.Node) {
	f.replace(n.Pos(), n.End(), strings.Repeat("\n", strings.Count(f.textOf(n), "\n")))
}

// visit makes the mutants of one node of the syntax. It is for ast.Inspect.
func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT || n.Op == token.SUB {
			f.replace(n.Pos(), n.End(), f.textOf(n.X))
		}
	case *ast.Ident:
		switch n.Name {
		case "true":
			f.replace(n.Pos(), n.End(), "false")
		case "false":
			f.replace(n.Pos(), n.End(), "true")
		}
	case *ast.BasicLit:
		if n.Kind == token.INT || n.Kind == token.CHAR {
			f.replace(n.Pos(), n.End(), "("+n.Value+" + 1)")
			f.replace(n.Pos(), n.End(), "("+n.Value+" - 1)")
		}
	case *ast.FuncLit:
		f.inFunction(n.Type, n.Body)
	case *ast.ForStmt:
		f.loop(n)
		return false
	case ast.Stmt:
		f.statement(n)
	}
	return true
}

// binary swaps the operator, and of && and || leaves one operand.
func (f *finder) binary(n *ast.BinaryExpr) {
	for _, with := range instead[n.Op] {
		f.replace(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), with)
	}
	if n.Op == token.LAND || n.Op == token.LOR {
		f.replace(n.Pos(), n.End(), f.textOf(n.X))
		f.replace(n.Pos(), n.End(), f.textOf(n.Y))
	}
}

// loop looks at all of a loop but what it does after each turn: without that it
// would never end, which a test notices after minutes only.
func (f *finder) loop(n *ast.ForStmt) {
	if n.Init != nil {
		ast.Inspect(n.Init, f.visit)
	}
	if n.Cond != nil {
		ast.Inspect(n.Cond, f.visit)
	}
	ast.Inspect(n.Body, f.visit)
}

// inFunction makes the mutant that returns zero values at once.
func (f *finder) inFunction(t *ast.FuncType, body *ast.BlockStmt) {
	if len(body.List) == 0 {
		return
	}
	if _, returns := body.List[0].(*ast.ReturnStmt); returns {
		return
	}
	var zeros []string
	if t.Results != nil && (len(t.Results.List) == 0 || len(t.Results.List[0].Names) == 0) {
		for _, result := range t.Results.List {
			zeros = append(zeros, "*new("+f.textOf(result.Type)+")")
		}
	}
	f.replace(body.Lbrace+1, body.Lbrace+1, strings.TrimRight(" return "+strings.Join(zeros, ", "), " ")+";")
}

// statement drops what stands for itself, and takes or leaves what depends on a
// condition.
func (f *finder) statement(n ast.Stmt) {
	switch n := n.(type) {
	case *ast.ExprStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt, *ast.BranchStmt:
		f.drop(n)
	case *ast.IncDecStmt:
		f.drop(n)
		f.replace(n.TokPos, n.End(), map[token.Token]string{token.INC: "--", token.DEC: "++"}[n.Tok])
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			f.drop(n)
		}
		for _, with := range instead[n.Tok] {
			f.replace(n.TokPos, n.TokPos+token.Pos(len(n.Tok.String())), with)
		}
	case *ast.ReturnStmt:
		f.results(n)
	case *ast.IfStmt:
		cond := f.textOf(n.Cond)
		f.replace(n.Cond.Pos(), n.Cond.End(), "false && ("+cond+")")
		f.replace(n.Cond.Pos(), n.Cond.End(), "true || ("+cond+")")
	case *ast.CaseClause:
		if len(n.List) > 0 {
			f.drop(n)
		}
		if len(n.List) > 1 {
			f.values(n.List)
		}
	case *ast.CommClause:
		f.drop(n)
	}
}

// results returns nil for what is returned last: most often an error.
func (f *finder) results(n *ast.ReturnStmt) {
	if len(n.Results) == 0 {
		return
	}
	last := n.Results[len(n.Results)-1]
	if f.textOf(last) != "nil" {
		f.replace(last.Pos(), last.End(), "nil")
	}
}

// values drops each of a case's.
func (f *finder) values(list []ast.Expr) {
	for i, value := range list {
		if i == 0 {
			f.replace(value.Pos(), list[1].Pos(), "")
		} else {
			f.replace(list[i-1].End(), value.End(), "")
		}
	}
}
