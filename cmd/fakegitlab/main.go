// Fakegitlab serves a pretended GitLab, with its Runners API, on a local
// address, for tests in any language.
//
// The first line that it prints is one JSON object: where it listens, its
// process id, which GitLab it plays and, unless a seed was given, the access
// token of an administrator. SIGINT and SIGTERM end it.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed-832548de/runners/runnerstest"
)

// The statuses that the program ends with.
const (
	statusOK     = 0
	statusFailed = 1 // the port is taken, say, or -strict found something
	statusUsage  = 2 // a bad flag or a bad seed
)

const usage = `Usage: fakegitlab [flags]

Serves a pretended GitLab until it is interrupted. Its first line of output is
a JSON object with "url", "api_v4_url", "pid" and "version"; without -seed it
also has "admin_token".

  -addr ADDRESS   listen here (default 127.0.0.1:0, a free port)
  -seed FILE      load this state, instead of a small ready-made one
  -version V      play this GitLab, 8.2.0 to 19.1.0 (default: the seed's, or
                  the newest)
  -fault FAULT    let something go wrong; may be given several times
  -strict         print what GitLab ignores or deprecates, and what puts a
                  token at risk; list it at the end, which is status 1 then
  -public         allow an address that other machines can reach

A fault is routes and words: 'POST /user/runners 502 nth=2 after-commit'.
What goes wrong:
  502 (any status), body=TEXT at the end, rate-limited, rate-limited=FORM:WAIT
  (all, none, retry-after, reset, wrong-reset), hang, reset, close, garbage,
  html, endless, delay=2s, truncate=100, slow-body=10ms, redirect=302:URL,
  next-link=URL
When: nth=2, times=3, always, after-commit

Below /_fake/ the program shows and takes JSON: GET and PUT state, GET journal,
GET, POST and DELETE faults ({"fault": "GET /runners 502"}), GET and POST clock
({"advance": "3h"}), POST reset.

Examples:

  fakegitlab -addr 127.0.0.1:8080 -version 17.5.0
  fakegitlab -fault 'POST /user/runners 502 after-commit' -fault 'delay=1s always'
`

//go:embed world.json
var world string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends it at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without its process. It ends with ctx.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := play(ctx, args, stdout, stderr)
	if err == nil {
		return statusOK
	}
	if errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(stderr, usage)
		return statusOK
	}
	_, _ = fmt.Fprintln(stderr, "fakegitlab:", strings.Join(strings.Fields(err.Error()), " "))
	if bad := (usageError{}); errors.As(err, &bad) {
		return statusUsage
	}
	return statusFailed
}

// A usageError is the caller's fault.
type usageError struct{ error }

// options are what the flags say.
type options struct {
	addr, seed, version string
	faults              [][]runnerstest.FaultOpt
	public, strict      bool
}

// given takes a flag's value, which is not empty unless a shell's variable was
// never set.
func given(value *string) func(string) error {
	return func(text string) error {
		if *value = text; text == "" {
			return errors.New("it is empty")
		}
		return nil
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("fakegitlab", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:0", "")
	flags.Func("seed", "", given(&o.seed))
	flags.Func("version", "", given(&o.version))
	flags.Func("fault", "", func(text string) error {
		fault, err := runnerstest.ParseFault(text)
		o.faults = append(o.faults, fault)
		return err
	})
	flags.BoolVar(&o.public, "public", false, "")
	flags.BoolVar(&o.strict, "strict", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, usageError{fmt.Errorf("%w (-h lists the flags)", err)}
	case flags.NArg() > 0:
		return o, usageError{fmt.Errorf("unexpected argument %q (-h lists the flags)", flags.Arg(0))}
	}
	return o, nil
}

// play reads the flags, and serves what they ask for until ctx ends.
func play(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	loopback, err := checkAddress(ctx, o.addr)
	if err != nil {
		return usageError{err}
	}
	if !loopback && !o.public {
		return usageError{fmt.Errorf("-addr %s is no loopback address: "+
			"other machines could reach it; allow that with -public", o.addr)}
	}
	logger := log.New(stderr, "fakegitlab: ", 0)
	strict := &findings{logger: logger}
	srv, err := load(o, strict)
	if err != nil {
		return usageError{err}
	}
	defer srv.Close()
	for _, fault := range o.faults {
		srv.Fault(fault...)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.addr)
	if err != nil {
		return err
	}
	if !loopback {
		logger.Printf("warning: %s can be reached from other machines, "+
			"and the tokens of this server are no secrets", o.addr)
	}
	line := announcement(srv, listener, o.seed == "")
	if err := serve(ctx, srv, listener, line, stdout, logger); err != nil {
		return err
	}
	return strict.end()
}

// checkAddress reports whether only this machine can reach addr.
func checkAddress(ctx context.Context, addr string) (loopback bool, err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false, fmt.Errorf("-addr: %w", err)
	}
	if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
		return false, fmt.Errorf("-addr: %w", err)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback(), nil
}

// load makes the server that the options ask for.
func load(o options, strict *findings) (*runnerstest.Server, error) {
	var seed io.Reader = strings.NewReader(world)
	if o.seed != "" {
		file, err := os.Open(o.seed)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		seed = file
	}
	fake := &runnerstest.Options{Version: o.version, Seed: seed, Control: true}
	if o.strict {
		fake.Found = strict.add
	}
	return runnerstest.Start(fake)
}

// startup is the first line of output.
type startup struct {
	URL        string `json:"url"`
	APIv4URL   string `json:"api_v4_url"`
	PID        int    `json:"pid"`
	Version    string `json:"version"`
	AdminToken string `json:"admin_token,omitzero"`
}

func announcement(srv *runnerstest.Server, listener net.Listener, readyMade bool) startup {
	state := srv.Snapshot()
	url := "http://" + dialable(listener.Addr())
	line := startup{
		URL: url, APIv4URL: url + "/api/v4", PID: os.Getpid(), Version: state.GitLabVersion,
	}
	if readyMade {
		line.AdminToken = state.Users[0].Tokens[0].Token
	}
	return line
}

// dialable is the address at which this machine reaches a listener.
func dialable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
}

// serve answers until ctx ends, and then lets the calls under way finish.
func serve(ctx context.Context, srv *runnerstest.Server, listener net.Listener, line startup,
	stdout io.Writer, logger *log.Logger,
) error {
	server := &http.Server{
		Handler:           srv,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          logger,
	}
	defer server.Close()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return err
	}
	logger.Printf("plays GitLab %s at %s", line.Version, line.URL)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	srv.Close() // ends the calls that a fault keeps waiting
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(wait); err != nil {
		logger.Printf("calls were cut off: %v", err)
	}
	logger.Print("ended")
	return nil
}
