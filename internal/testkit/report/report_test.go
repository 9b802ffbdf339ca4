package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, events string
		want         []string
		lacks        string
		failed       bool
	}{
		{
			"passes",
			`{"Action":"output","Package":"m/p","Test":"TestA","Output":"    a_test.go:1: chatter\n"}
{"Action":"pass","Package":"m/p","Test":"TestA","Elapsed":1.5}
{"Action":"output","Package":"m/p","Output":"ok  \tm/p\t1.6s\n"}
{"Action":"pass","Package":"m/p"}`,
			[]string{"ok  \tm/p\t1.6s\n"},
			"chatter", false,
		},
		{
			"is skipped",
			`{"Action":"output","Package":"m/p","Test":"TestA","Output":"=== RUN TestA\n"}
{"Action":"output","Package":"m/p","Test":"TestA","Output":"    a_test.go:1: needs nft\n"}
{"Action":"output","Package":"m/p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"m/p","Test":"TestA"}
{"Action":"skip","Package":"m/q"}`,
			[]string{"1 skipped:\n    1  needs nft\n       p: TestA\n"},
			"SKIP", false,
		},
		{
			"fails",
			`{"Action":"output","Package":"m/p","Test":"TestA","Output":"    a_test.go:1: broken\n"}
{"Action":"output","Package":"m/p","Test":"TestA","Output":"--- FAIL: TestA (0.00s)\n"}
{"Action":"fail","Package":"m/p","Test":"TestA"}`,
			[]string{"a_test.go:1: broken\n--- FAIL: TestA"},
			"skipped", true,
		},
		{
			"time is up",
			`{"Action":"output","Package":"m/p","Test":"TestA","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"m/p"}`,
			[]string{"panic: test timed out\n"},
			"skipped", true,
		},
		{
			"does not build",
			`{"ImportPath":"m/p [m/p.test]","Action":"build-output","Output":"p/a.go:1:1: syntax error\n"}
{"ImportPath":"m/p [m/p.test]","Action":"build-fail"}
{"Action":"output","Package":"m/p","Output":"FAIL\tm/p [build failed]\n"}
{"Action":"fail","Package":"m/p","FailedBuild":"m/p [m/p.test]"}`,
			[]string{"syntax error\n", "build failed"},
			"skipped", true,
		},
		{"is no event", "go: downloading nothing", []string{"go: downloading nothing\n"}, "skipped", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(tt.events)); err != nil {
				t.Fatal(err)
			}
			r.printSkips()
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("there is no %q in\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), tt.lacks) {
				t.Errorf("there is %q in\n%s", tt.lacks, &out)
			}
			if r.failed != tt.failed {
				t.Errorf("failed is %v", r.failed)
			}
		})
	}
}
