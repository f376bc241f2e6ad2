// The picture of it all: how long a list takes, by the number of runners and
// of pages asked for at once. Draw it with
//
//	go test -run Plot -v .

package bench_test

import (
	"fmt"
	"image/color"
	"testing"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A curve is a line of the plot.
type curve struct {
	name   string
	color  color.Color
	points plotter.XYs
	bound  plotter.XYs // nil = none
}

func TestPlot(t *testing.T) {
	sizes, rounds, latency, file := []int{100, 300}, 1, time.Millisecond, t.TempDir()+"/listing.svg"
	if asked("Plot") {
		sizes, rounds = []int{100, 200, 500, 1000, 2000, 5000, 10_000, 20_000}, 3
		latency, file = 20*time.Millisecond, "listing.svg"
	}
	gitlab := startServer(t)
	other := curve{name: "client-go v2.64.0", color: color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff}}
	all := []*curve{&other}
	for i, k := range []int{1, 6, 16} {
		all = append(all, &curve{
			name:  fmt.Sprintf("runners, %d at once", k),
			color: []color.Color{color.RGBA{R: 0x8e, G: 0x9a, B: 0xa6, A: 0xff}, color.RGBA{R: 0x2c, G: 0x7f, B: 0xb8, A: 0xff}, color.RGBA{R: 0x1a, G: 0x93, B: 0x6f, A: 0xff}}[i],
		})
	}
	for _, rows := range sizes {
		url := gitlab.url(behaviour{Latency: latency, Rows: rows})
		c, official := ours(t, url), theirs(t, url)
		listOurs(t, c, 16) // opens the connections
		times := alternate(rounds, func() { listTheirs(t, official) }, func() { listOurs(t, c, 1) },
			func() { listOurs(t, c, 6) }, func() { listOurs(t, c, 16) })
		page := median(times[1]) / float64(rows/100)
		for i, line := range all {
			line.points = append(line.points, plotter.XY{X: float64(rows), Y: median(times[i])})
			if k := map[int]int{2: 6, 3: 16}[i]; k > 0 {
				line.bound = append(line.bound, plotter.XY{X: float64(rows), Y: page * bound(rows/100, k)})
			}
		}
	}
	if err := drawn(all).Save(20*vg.Centimeter, 12*vg.Centimeter, file); err != nil {
		t.Fatal(err)
	}
}

// drawn puts the curves into a plot with logarithmic axes.
func drawn(all []*curve) *plot.Plot {
	p := plot.New()
	p.Title.Text = "Time to list all runners, 20 ms a page of 100"
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text, p.Y.Label.Text = "runners", "seconds"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker = ticks{100, 200, 500, 1000, 2000, 5000, 10_000, 20_000}
	p.Y.Tick.Marker = ticks{0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding, p.Legend.XOffs = vg.Points(3), vg.Points(10)
	p.Add(plotter.NewGrid())
	for i, c := range all {
		line, points, err := plotter.NewLinePoints(c.points)
		if err != nil {
			panic(err)
		}
		line.Color, points.Color = c.color, c.color
		line.Width, points.Radius, points.Shape = vg.Points(1.8), vg.Points(2.5), draw.CircleGlyph{}
		p.Add(line, points)
		p.Legend.Add(c.name, line, points)
		if c.bound == nil {
			continue
		}
		dashed, err := plotter.NewLine(c.bound)
		if err != nil {
			panic(err)
		}
		dashed.Color, dashed.Width = color.Black, vg.Points(0.8)
		dashed.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(dashed)
		if i == len(all)-1 {
			p.Legend.Add("the bound: 1 + ⌈(pages−1)/k⌉ page times", dashed)
		}
	}
	return p
}

// ticks are the numbers that an axis shows.
type ticks []float64

// Ticks makes ticks a plot.Ticker.
func (t ticks) Ticks(least, most float64) (all []plot.Tick) {
	for _, v := range t {
		if v >= least && v <= most {
			all = append(all, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
		}
	}
	return all
}
