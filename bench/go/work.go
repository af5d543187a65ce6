package main

import "time"

// As in bench/support/work.h: a fixed chain of multiplications, not a fixed time.
//
//go:noinline
func workSteps(steps int) uint64 {
	x := uint64(1)
	for i := 0; i < steps; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

var stepsPerNano = func() float64 {
	const steps = 20000
	best := time.Duration(1 << 62)
	for trial := 0; trial < 200; trial++ {
		begun := time.Now()
		workSteps(steps)
		if took := time.Since(begun); took < best {
			best = took
		}
	}
	return steps / float64(best)
}()

func stepsFor(nanoseconds float64) int { return int(nanoseconds * stepsPerNano) }
