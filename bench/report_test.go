// What was measured, as a table: medians, with the least and the most.

package bench_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// A report collects the rows of the table.
type report struct{ lines []string }

// add adds a figure with its goal. The values are those of single rounds.
func (r *report) add(number, what, goal string, values ...float64) {
	spread := fmt.Sprintf("%.3g to %.3g", slices.Min(values), slices.Max(values))
	if len(values) == 1 {
		spread = ""
	}
	r.lines = append(r.lines, fmt.Sprintf("| %s | %s | %s | %.3g | %s |", number, what, goal, median(values), spread))
}

func median(values []float64) float64 {
	values = slices.Clone(values)
	slices.Sort(values)
	return values[len(values)/2]
}

func (r *report) print(t *testing.T) {
	t.Helper()
	t.Logf("\n%s, %s/%s, %d CPUs\n\n| goal | what | wanted | median | spread |\n"+
		"| --- | --- | --- | --- | --- |\n%s", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), strings.Join(r.lines, "\n"))
}

// asked reports whether a measurement was asked for by its name. Without that,
// tests only see whether it works.
func asked(name string) bool {
	pattern := flag.Lookup("test.run").Value.String()
	return pattern != "" && strings.Contains(pattern, name)
}

// alternate runs all functions in turn, in rounds, and returns the seconds of
// each, by function and round.
func alternate(rounds int, all ...func()) [][]float64 {
	seconds := make([][]float64, len(all))
	for range rounds {
		for i, do := range all {
			runtime.GC()
			began := time.Now()
			do()
			seconds[i] = append(seconds[i], time.Since(began).Seconds())
		}
	}
	return seconds
}

// spent runs a function in rounds, and returns the seconds of processor time of
// each: on a busy machine, these are nearer to the truth for what does not wait.
func spent(rounds int, do func()) []float64 {
	seconds := make([]float64, rounds)
	for i := range seconds {
		runtime.GC()
		before := processorTime()
		do()
		seconds[i] = (processorTime() - before).Seconds()
	}
	return seconds
}

// over divides round by round.
func over(a, b []float64) []float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return ratios
}
