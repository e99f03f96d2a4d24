// The program that runs the tests of a sample.
package main

import (
	witness "witness_TAG" // first, so that it is initialised before the sample

	sample "sample"

	"os"
	"testing"
	"testing/internal/testdeps"
)

var passed int

func counted(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		test(t)
		if !t.Failed() {
			passed++
		}
	}
}

var tests = []testing.InternalTest{TESTS
}

func main() {
	yes, no, nothing := sample.Truths_TAG()
	os.Args = os.Args[:1]
	code := testing.MainStart(testdeps.TestDeps{}, tests, nil, nil, nil).Run()
	honest := yes == (1 == 1) && no == (1 == 2) && nothing == nil
	witness.End(honest && code == 0 && passed == len(tests) && passed > 0)
}
