package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Compiled as a call of its own, so that two loops can be told apart by the place they yield from.
//
//go:noinline
func yieldHere() { runtime.Gosched() }

func yieldAmong(n, threads int, unlike bool) time.Duration {
	rounds := max(1, n/threads)
	var left sync.WaitGroup
	left.Add(threads)
	start := make(chan struct{})
	for t := 0; t < threads; t++ {
		go func(t int) {
			<-start
			if unlike && t%2 == 1 {
				for i := 0; i < rounds; i++ {
					yieldHere()
				}
			} else {
				for i := 0; i < rounds; i++ {
					runtime.Gosched()
				}
			}
			left.Done()
		}(t)
	}
	begun := time.Now()
	close(start)
	left.Wait()
	return time.Since(begun) * time.Duration(n) / time.Duration(rounds*threads)
}

func spawnAndJoin(n, atOnce int) time.Duration {
	made := 0
	begun := time.Now()
	for made < n {
		var all sync.WaitGroup
		all.Add(atOnce)
		for i := 0; i < atOnce; i++ {
			go all.Done()
		}
		all.Wait()
		made += atOnce
	}
	return time.Since(begun) * time.Duration(n) / time.Duration(made)
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	var a int
	var child sync.WaitGroup
	child.Add(1)
	go func() {
		a = fib(n - 1)
		child.Done()
	}()
	b := fib(n - 2)
	child.Wait()
	return a + b
}

func skynet(first, leaves int) int {
	if leaves == 1 {
		return first
	}
	var sums [10]int
	var children sync.WaitGroup
	children.Add(10)
	for i := range sums {
		go func(i int) {
			sums[i] = skynet(first+i*(leaves/10), leaves/10)
			children.Done()
		}(i)
	}
	children.Wait()
	sum := 0
	for _, s := range sums {
		sum += s
	}
	return sum
}

func mustBe(found, right int) {
	if found != right {
		fmt.Fprintln(os.Stderr, "fork and join came to", found, "not", right)
		os.Exit(1)
	}
}

// Bytes of a line of /proc/self/status.
func statusBytes(key string) float64 {
	text, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(text), "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[0] == key+":" {
			kib, _ := strconv.ParseFloat(words[1], 64)
			return kib * 1024
		}
	}
	return 0
}

func park(threads int) reading {
	var m sync.Mutex
	changed := sync.NewCond(&m)
	var ended sync.WaitGroup
	ended.Add(threads)
	waiting, over := 0, false
	resident, tables := statusBytes("VmRSS"), statusBytes("VmPTE")
	begun := time.Now()
	for i := 0; i < threads; i++ {
		go func() {
			m.Lock()
			waiting++
			if waiting == threads {
				changed.Broadcast()
			}
			for !over {
				changed.Wait()
			}
			m.Unlock()
			ended.Done()
		}()
	}
	m.Lock()
	for waiting != threads {
		changed.Wait()
	}
	took := time.Since(begun)
	n := float64(threads)
	resident, tables = (statusBytes("VmRSS")-resident)/n, (statusBytes("VmPTE")-tables)/n
	r := reading{float64(took) / n, map[string]float64{"resident_bytes": resident,
		"page_table_bytes": tables, "total_bytes": resident + tables}}
	over = true
	changed.Broadcast()
	m.Unlock()
	ended.Wait()
	return r
}

type sleeper struct {
	wakes atomic.Uint64
	late  [8]atomic.Int64
}

func sleepTest(threads int) reading {
	const nap, window = 10 * time.Millisecond, 2 * time.Second
	sleepers := make([]sleeper, threads)
	var over atomic.Bool
	var ended sync.WaitGroup
	ended.Add(threads)
	for i := range sleepers {
		go func(me *sleeper) {
			for slept := time.Now(); !over.Load(); {
				time.Sleep(nap)
				woken := time.Now()
				n := me.wakes.Load()
				me.late[n%8].Store(int64(woken.Sub(slept) - nap))
				me.wakes.Store(n + 1)
				slept = woken
			}
			ended.Done()
		}(&sleepers[i])
	}
	for i := range sleepers {
		for sleepers[i].wakes.Load() < 2 {
			time.Sleep(time.Millisecond)
		}
	}
	wakes := func() (sum float64) {
		for i := range sleepers {
			sum += float64(sleepers[i].wakes.Load())
		}
		return sum
	}
	before, cpu, begun := wakes(), cpuTime(), time.Now()
	time.Sleep(window)
	used, took, woken := float64(cpuTime()-cpu), float64(time.Since(begun)), wakes()-before
	var late []float64
	for i := range sleepers {
		for k := 0; k < min(8, int(sleepers[i].wakes.Load())); k++ {
			late = append(late, float64(sleepers[i].late[k].Load()))
		}
	}
	over.Store(true)
	ended.Wait()
	p50 := median(late)
	return reading{used / woken, map[string]float64{"p50_ns": p50, "p99_ns": quantile(late, 0.99),
		"wakes_per_second": woken / took * 1e9, "cpus": used / took}}
}

func idle() reading {
	const seconds = 10
	over := make(chan struct{})
	for i := 0; i < 1000; i++ {
		go func() { <-over }()
	}
	time.Sleep(500 * time.Millisecond)
	switches := func() float64 {
		var used syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &used)
		return float64(used.Nvcsw + used.Nivcsw)
	}
	before, cpu := switches(), cpuTime()
	time.Sleep(seconds * time.Second)
	r := reading{float64(cpuTime()-cpu) / seconds,
		map[string]float64{"kernel_switches": switches() - before}}
	close(over)
	return r
}

func workAndYield(n int) time.Duration {
	const threads = 64
	rounds, piece := max(1, n/threads), stepsFor(1000)
	var all sync.WaitGroup
	all.Add(threads)
	begun := time.Now()
	for t := 0; t < threads; t++ {
		go func() {
			var c chain
			for i := 0; i < rounds; i++ {
				c.work(piece)
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	all.Wait()
	return time.Since(begun) * time.Duration(n) / time.Duration(rounds*threads)
}

func threadFigures() {
	perOperation("yield_2", func(n int) time.Duration { return yieldAmong(n, 2, false) }, 1024, 1)
	perOperation("yield_2_unlike", func(n int) time.Duration { return yieldAmong(n, 2, true) },
		1024, 1)
	perOperation("yield_1000", func(n int) time.Duration { return yieldAmong(n, 1000, false) },
		10000, 1)
	perOperation("spawn_join_1", func(n int) time.Duration { return spawnAndJoin(n, 1) }, 16, 1, 2)
	perOperation("spawn_join_100", func(n int) time.Duration { return spawnAndJoin(n, 100) },
		100, 1, 2)
	const million = 1000000
	register("spawn_1000000", func() reading {
		took := spawnAndJoin(million, million)
		return reading{float64(took) / million, map[string]float64{"peak_bytes": statusBytes("VmHWM")}}
	}, 1, 2)
	register("fib_30", func() reading {
		begun, cpu := time.Now(), cpuTime()
		mustBe(fib(30), 832040)
		const children = 1346268
		return reading{float64(time.Since(begun)) / children,
			map[string]float64{"cpu_ns": float64(cpuTime()-cpu) / children}}
	}, 1, 2)
	register("skynet_1000000", func() reading {
		begun := time.Now()
		mustBe(skynet(0, million), million*(million-1)/2)
		return reading{float64(time.Since(begun)),
			map[string]float64{"peak_bytes": statusBytes("VmHWM")}}
	}, 1, 2)
	register("sleepers_1000", func() reading { return sleepTest(1000) }, 1, 2)
	register("sleepers_100000", func() reading { return sleepTest(100000) }, 1, 2)
	register("parked_100000", func() reading { return park(100000) }, 1)
	register("parked_1000000", func() reading { return park(million) }, 1)
	register("idle_10s", idle, 2)
	perOperation("throughput", workAndYield, 10000, 1, 2, 4, 8)
}
