// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// cpuSeconds is what all threads of this process have used so far.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

// memory is a field of /proc/self/status, in bytes.
func memory(field string) int64 {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if name == field {
			var kilobytes int64
			if _, err := fmt.Sscanf(strings.TrimSpace(value), "%d kB", &kilobytes); err != nil {
				panic(err)
			}
			return kilobytes * 1024
		}
	}
	panic("there is no " + field)
}

// settle gives back to the kernel what is not in use: the least this process can be.
func settle() {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
}

// stopwatch measures elapsed and CPU time.
type stopwatch struct {
	started time.Time
	cpu     float64
}

func start() stopwatch { return stopwatch{started: time.Now(), cpu: cpuSeconds()} }

func (s stopwatch) seconds() float64    { return time.Since(s.started).Seconds() }
func (s stopwatch) cpuSeconds() float64 { return cpuSeconds() - s.cpu }
