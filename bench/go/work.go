package main

import "time"

// As in bench/support/work.h: a fixed chain of multiplications, not a fixed time, which goes on where
// it ended.
type chain uint64

//go:noinline
func (last *chain) work(steps int) {
	x := uint64(*last)
	for i := 0; i < steps; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	*last = chain(x)
}

var stepsPerNano = func() float64 {
	const steps = 20000
	best := time.Duration(1 << 62)
	var c chain
	for trial := 0; trial < 1500; trial++ {
		begun := time.Now()
		c.work(steps)
		if took := time.Since(begun); took < best {
			best = took
		}
	}
	return steps / float64(best)
}()

func stepsFor(nanoseconds float64) int { return int(nanoseconds * stepsPerNano) }
