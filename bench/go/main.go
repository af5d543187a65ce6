// The figures of bench_threads and bench_locks for Go's goroutines: the same work, the same names,
// the same options and the same JSON, so that one script reads all.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"sort"
	"syscall"
	"time"
)

// What one sample says: nanoseconds for an operation, and what else was counted.
type reading struct {
	time   float64
	beside map[string]float64
}

type figure struct {
	name       string
	processors int
	sample     func() reading
}

var figures []figure

// Registers a figure for each number of processors; its samples run with so many.
func register(name string, sample func() reading, processors ...int) {
	for _, p := range processors {
		peer := "Go"
		if p > 1 {
			peer = fmt.Sprintf("Go, %d processors", p)
		}
		figures = append(figures, figure{name + "/" + peer, p, sample})
	}
}

// As per_operation() in bench/support: finds an n that takes long enough, then measures.
func perOperation(name string, operations func(n int) time.Duration, leastN int,
	processors ...int) {
	const leastSample = 10 * time.Millisecond
	for _, p := range processors {
		n := leastN
		register(name, func() reading {
			for {
				cpu := cpuTime()
				took := operations(n)
				if took >= leastSample {
					each := float64(n)
					return reading{float64(took) / each,
						map[string]float64{"cpu_ns": float64(cpuTime()-cpu) / each}}
				}
				factor := int(leastSample*5/4/(took+1)) + 1
				n *= min(max(factor, 2), 100)
			}
		}, p)
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func cpuTime() time.Duration {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func quantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return quantile(values, 0.5)
}

func main() {
	filter := flag.String("benchmark_filter", ".", "regular expression of figures to run")
	repetitions := flag.Int("benchmark_repetitions", 9, "samples of each figure")
	out := flag.String("benchmark_out", "", "file for the samples as JSON")
	flag.String("benchmark_out_format", "json", "nothing else")
	list := flag.Bool("benchmark_list_tests", false, "print the names only")
	flag.Parse()
	threadFigures()
	lockFigures()

	if *list {
		for _, f := range figures {
			fmt.Println(f.name)
		}
		return
	}
	wanted := regexp.MustCompile(*filter)
	var order []figure
	for _, f := range figures {
		for i := 0; i < *repetitions && wanted.MatchString(f.name); i++ {
			order = append(order, f)
		}
	}
	rand.Seed(time.Now().UnixNano())
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	samples := map[string][]float64{}
	rows := []map[string]any{}
	for _, f := range order {
		runtime.GOMAXPROCS(f.processors)
		debug.FreeOSMemory()
		r := f.sample()
		samples[f.name] = append(samples[f.name], r.time)
		row := map[string]any{"run_name": f.name, "run_type": "iteration", "real_time": r.time}
		for name, value := range r.beside {
			row[name] = value
		}
		rows = append(rows, row)
	}
	for _, f := range figures {
		if s := samples[f.name]; len(s) > 0 {
			m := median(s)
			fmt.Printf("%-52s %11.1f  %11.1f %11.1f\n", f.name, m, s[0], s[len(s)-1])
		}
	}
	if *out != "" {
		text, _ := json.Marshal(map[string]any{"benchmarks": rows})
		if err := os.WriteFile(*out, text, 0o666); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
