// Faults as text, for flags and JSON: words in any order, such as
// "POST /user/runners 502 nth=2 after-commit".

package runnerstest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseFault reads a fault from text: the routes that it takes, none for all,
// and these words, in any order:
//
//	502             answer with this status; status=502 is the same
//	rate-limited    answer 429; =FORM or =FORM:WAIT chooses a RateLimitForm
//	hang, reset, close, garbage, html, endless
//	delay=2s        wait before the answer
//	truncate=100    break off after so many bytes of the body
//	slow-body=10ms  wait before each byte of the body
//	redirect=302:URL, next-link=URL
//	nth=2, times=3, always, after-commit
//	body=TEXT       the body of a status; all the rest of the text
//
// What the words mean is told at the options of the same names. The text comes
// back from [Fault.String].
func ParseFault(text string) ([]FaultOpt, error) {
	s := faultText{}
	head, body, given := strings.Cut(" "+text, " body=")
	words := strings.Fields(head)
	for len(words) > 0 {
		words = s.read(words)
	}
	options := s.options
	if s.status != 0 {
		options = append(options, Status(s.status, body))
	} else if given {
		s.refuse("body= needs a status")
	}
	if err := errors.Join(append(s.errs, newFault(options).errs...)...); err != nil {
		return nil, fmt.Errorf("fault %.200q: %s", text, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return options, nil
}

// A faultText is a text that is read.
type faultText struct {
	options []FaultOpt
	status  int
	errs    []error
}

func (s *faultText) refuse(format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf(format, args...))
}

// read reads the first word, or a route of two words, and returns the rest.
func (s *faultText) read(words []string) []string {
	name, value, valued := strings.Cut(words[0], "=")
	switch name {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
		if len(words) == 1 {
			s.refuse("%s needs a path", name)
			return nil
		}
		s.options = append(s.options, On(name+" "+words[1]))
		return words[2:]
	case "status":
		s.readStatus(value)
	case "rate-limited":
		s.readRateLimit(value)
	case "redirect":
		code, address, _ := strings.Cut(value, ":")
		s.options = append(s.options, RedirectTo(address, s.number(name, code)))
	case "next-link":
		s.options = append(s.options, NextLink(value))
	case "nth":
		s.options = append(s.options, Nth(s.number(name, value)))
	case "times":
		s.options = append(s.options, Times(s.number(name, value)))
	case "truncate":
		s.options = append(s.options, Truncate(s.number(name, value)))
	case "delay":
		s.options = append(s.options, Delay(s.wait(name, value)))
	case "slow-body":
		s.options = append(s.options, SlowBody(s.wait(name, value)))
	default:
		s.readFlag(words[0], valued)
	}
	return words[1:]
}

// readFlag reads a word without a value.
func (s *faultText) readFlag(word string, valued bool) {
	flags := map[string]func() FaultOpt{
		"hang": Hang, "reset": ResetConn, "close": CloseConn, "garbage": Garbage,
		"html": HTMLPage, "endless": Endless, "always": Always, "after-commit": AfterCommit,
	}
	option, known := flags[word]
	switch {
	case known:
		s.options = append(s.options, option())
	case valued || word[0] < '0' || word[0] > '9':
		s.refuse("unknown word %.40q", word)
	default:
		s.readStatus(word)
	}
}

func (s *faultText) readStatus(value string) {
	if s.status != 0 {
		s.refuse("two statuses")
	}
	s.status = s.number("status", value)
}

func (s *faultText) readRateLimit(value string) {
	form, wait, timed := strings.Cut(value, ":")
	if form == "" {
		form = string(AllHeaders)
	}
	var waits []time.Duration
	if timed {
		waits = append(waits, s.wait("rate-limited", wait))
	}
	s.options = append(s.options, RateLimited(RateLimitForm(form), waits...))
}

func (s *faultText) number(name, value string) int {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		s.refuse("%s: %.40q is no number", name, value)
	}
	return int(n)
}

func (s *faultText) wait(name, value string) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil {
		s.refuse("%s: %.40q is no time such as 2s", name, value)
	}
	return d
}

// String returns the fault as [ParseFault] reads it; [Match] has no text.
func (f *Fault) String() string {
	words := faultWords(slices.Concat(f.routes, f.effects()))
	words.add(f.nth > 0, "nth=%d", f.nth)
	words.add(f.times > 0, "times=%d", f.times)
	words.add(f.always, "always")
	words.add(f.afterCommit, "after-commit")
	words.add(f.effect.kind == statusEffect && f.effect.text != "", "body=%s", f.effect.text)
	return strings.Join(words, " ")
}

// effects are the words for what goes wrong.
func (f *Fault) effects() []string {
	var words faultWords
	switch e := f.effect; e.kind {
	case statusEffect:
		words.add(true, "%d", e.status)
	case limitEffect:
		words.add(true, "%s=%s:%v", e.kind, e.form, e.wait)
	case redirectEffect:
		words.add(true, "%s=%d:%s", e.kind, e.status, e.text)
	case hangEffect, resetEffect, closeEffect, garbageEffect, htmlEffect:
		words.add(true, "%s", e.kind)
	case noEffect:
	}
	words.add(f.endless, "endless")
	words.add(f.delay > 0, "delay=%v", f.delay)
	words.add(f.truncated, "truncate=%d", f.cut)
	words.add(f.drip > 0, "slow-body=%v", f.drip)
	words.add(f.next != "", "next-link=%s", f.next)
	return words
}

// faultWords are a fault's words in a row.
type faultWords []string

func (w *faultWords) add(given bool, format string, args ...any) {
	if given {
		*w = append(*w, fmt.Sprintf(format, args...))
	}
}
