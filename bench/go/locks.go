package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

func lockAndUnlock(n int) time.Duration {
	var m sync.Mutex
	begun := time.Now()
	for i := 0; i < n; i++ {
		m.Lock()
		m.Unlock()
	}
	return time.Since(begun)
}

// Two goroutines play; the time is theirs.
func inTwo(play func(me int)) time.Duration {
	var other sync.WaitGroup
	other.Add(1)
	begun := time.Now()
	go func() {
		play(1)
		other.Done()
	}()
	play(0)
	other.Wait()
	return time.Since(begun)
}

func conditionPingpong(n int) time.Duration {
	var m sync.Mutex
	moved := sync.NewCond(&m)
	turn := 0
	return inTwo(func(me int) {
		m.Lock()
		for t := me; t < n; t += 2 {
			for turn != t {
				moved.Wait()
			}
			turn = t + 1
			moved.Signal()
		}
		m.Unlock()
	})
}

func channelPingpong(n, capacity int) time.Duration {
	ball := [2]chan int{make(chan int, capacity), make(chan int, capacity)}
	return inTwo(func(me int) {
		for t := 0; t < n/2; t++ {
			if me == 0 {
				ball[0] <- t
				<-ball[1]
			} else {
				<-ball[0]
				ball[1] <- t
			}
		}
	})
}

func channelStream(n, slots, pairs int) time.Duration {
	items := make(chan int, slots)
	return pairsMove(n, pairs, func(i int) { items <- i }, func() { <-items })
}

// So many producers and consumers move n items.
func pairsMove(n, pairs int, put func(int), take func()) time.Duration {
	each := max(1, n/pairs)
	var all sync.WaitGroup
	all.Add(2 * pairs)
	begun := time.Now()
	for p := 0; p < pairs; p++ {
		go func() {
			for i := 0; i < each; i++ {
				put(i)
			}
			all.Done()
		}()
		go func() {
			for i := 0; i < each; i++ {
				take()
			}
			all.Done()
		}()
	}
	all.Wait()
	return time.Since(begun) * time.Duration(n) / time.Duration(each*pairs)
}

func buffer(n, slots, pairs int) time.Duration {
	var m sync.Mutex
	notFull, notEmpty := sync.NewCond(&m), sync.NewCond(&m)
	ring := make([]int, slots)
	first, count := 0, 0
	put := func(i int) {
		m.Lock()
		for count == slots {
			notFull.Wait()
		}
		ring[(first+count)%slots] = i
		count++
		m.Unlock()
		notEmpty.Signal()
	}
	take := func() {
		m.Lock()
		for count == 0 {
			notEmpty.Wait()
		}
		_ = ring[first]
		first = (first + 1) % slots
		count--
		m.Unlock()
		notFull.Signal()
	}
	return pairsMove(n, pairs, put, take)
}

// A crowd on one mutex, 50 ns inside; each yields after every sixteenth time.
func crowd(n, threads int) time.Duration {
	rounds, inside := max(1, n/threads), stepsFor(50)
	var m sync.Mutex
	var all sync.WaitGroup
	all.Add(threads)
	begun := time.Now()
	for t := 0; t < threads; t++ {
		go func() {
			var c chain
			for i := 1; i <= rounds; i++ {
				m.Lock()
				c.work(inside)
				m.Unlock()
				if i%16 == 0 {
					runtime.Gosched()
				}
			}
			all.Done()
		}()
	}
	all.Wait()
	return time.Since(begun) * time.Duration(n) / time.Duration(rounds*threads)
}

func broadcast(n int) time.Duration {
	const waiters = 100
	rounds := max(1, n/waiters)
	var m sync.Mutex
	changed, seen := sync.NewCond(&m), sync.NewCond(&m)
	generation, acknowledged := 0, 0
	var all sync.WaitGroup
	all.Add(waiters)
	for w := 0; w < waiters; w++ {
		go func() {
			m.Lock()
			for g := 1; g <= rounds; g++ {
				for generation < g {
					changed.Wait()
				}
				acknowledged++
				if acknowledged == waiters {
					seen.Signal()
				}
			}
			m.Unlock()
			all.Done()
		}()
	}
	begun := time.Now()
	m.Lock()
	for g := 1; g <= rounds; g++ {
		acknowledged = 0
		generation = g
		changed.Broadcast()
		for acknowledged < waiters {
			seen.Wait()
		}
	}
	m.Unlock()
	took := time.Since(begun)
	all.Wait()
	return took * time.Duration(n) / time.Duration(rounds*waiters)
}

func lockFigures() {
	perOperation("uncontended in a thread", lockAndUnlock, 1024, 1)
	perOperation("condition_pingpong", conditionPingpong, 16, 1, 2)
	perOperation("channel_pingpong", func(n int) time.Duration { return channelPingpong(n, 0) },
		16, 1, 2)
	perOperation("channel_pingpong_1", func(n int) time.Duration { return channelPingpong(n, 1) },
		16, 1, 2)
	perOperation("channel_stream_128", func(n int) time.Duration { return channelStream(n, 128, 1) },
		1024, 1, 2)
	for _, slots := range []int{1, 128} {
		for _, pairs := range []int{1, 4} {
			slots, pairs := slots, pairs
			perOperation(bufferName(slots, pairs),
				func(n int) time.Duration { return buffer(n, slots, pairs) }, 1024, 1, 2)
		}
	}
	perOperation("channel_stream_128_4to4",
		func(n int) time.Duration { return channelStream(n, 128, 4) }, 1024, 1, 2)
	perOperation("crowd_8", func(n int) time.Duration { return crowd(n, 8) }, 10000, 1, 2)
	perOperation("crowd_1000", func(n int) time.Duration { return crowd(n, 1000) }, 100000, 1, 2)
	perOperation("broadcast_100", broadcast, 1000, 1, 2)
}

func bufferName(slots, pairs int) string {
	return fmt.Sprintf("buffer_%d_%dto%d", slots, pairs, pairs)
}
