// The server's controls for programs in other languages: JSON below /_fake/.

package runnerstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// controlPrefix begins the paths of the controls, which no fault and no limit
// touches.
const controlPrefix = "/_fake/"

// controls reports whether a request is one to the controls.
func (s *Server) controls(r *http.Request) bool {
	return s.options.Control && strings.HasPrefix(r.URL.Path, controlPrefix)
}

// control answers a request to the controls.
func (s *Server) control(r *http.Request, body []byte, refused *refusal) reply {
	if refused != nil {
		return refused.reply()
	}
	controls := map[string]func([]byte) (any, error){
		"GET state":     func([]byte) (any, error) { return s.Snapshot(), nil },
		"PUT state":     s.putState,
		"GET journal":   func([]byte) (any, error) { return journalEntries(s.Requests()), nil },
		"GET faults":    func([]byte) (any, error) { return s.faultEntries(), nil },
		"POST faults":   s.postFault,
		"DELETE faults": s.deleteFaults,
		"GET clock":     func([]byte) (any, error) { return clockEntry{Now: s.Now()}, nil },
		"POST clock":    s.postClock,
		"POST reset":    s.postReset,
	}
	name := strings.TrimPrefix(r.URL.Path, controlPrefix)
	act := controls[r.Method+" "+name]
	if act == nil {
		return refuse(http.StatusNotFound, "no control: want one of GET and PUT state, GET journal, "+
			"GET, POST and DELETE faults, GET and POST clock, POST reset").reply()
	}
	value, err := act(body)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error()).reply()
	}
	if value == nil {
		return reply{status: http.StatusNoContent}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return refuse(http.StatusInternalServerError, err.Error()).reply()
	}
	return reply{status: http.StatusOK, body: text}
}

func (s *Server) putState(body []byte) (any, error) {
	state, err := readState(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return nil, s.Restore(state)
}

// A journalEntry is a [Request] in JSON.
type journalEntry struct {
	Time      time.Time      `json:"time"`
	Route     string         `json:"route"`
	Method    string         `json:"method"`
	Path      string         `json:"path"`
	Params    map[string]any `json:"params"`
	Actor     string         `json:"actor"`
	Status    int            `json:"status"`
	RequestID string         `json:"request_id"`
	Fault     string         `json:"fault"`
}

func journalEntries(all []Request) []journalEntry {
	entries := make([]journalEntry, 0, len(all))
	for _, r := range all {
		entries = append(entries, journalEntry(r))
	}
	return entries
}

// A faultEntry is a fault in JSON, as [ParseFault] reads it.
type faultEntry struct {
	Fault string `json:"fault"`
	Seen  int    `json:"seen"`
	Fired int    `json:"fired"`
}

func (s *Server) faultEntries() []faultEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := []faultEntry{}
	for _, f := range s.faults {
		if !f.disarmed {
			entries = append(entries, faultEntry{Fault: f.String(), Seen: f.seen, Fired: f.fired})
		}
	}
	return entries
}

func (s *Server) postFault(body []byte) (any, error) {
	var entry faultEntry
	if err := json.Unmarshal(body, &entry); err != nil {
		return nil, errors.New(`want an object such as {"fault": "POST /user/runners 502"}`)
	}
	options, err := ParseFault(entry.Fault)
	if err != nil {
		return nil, err
	}
	return faultEntry{Fault: s.Fault(options...).String()}, nil
}

func (s *Server) deleteFaults([]byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	return nil, nil
}

// A clockEntry is the server's time in JSON, or how far to set it forward.
type clockEntry struct {
	Now     time.Time `json:"now,omitzero"`
	Advance string    `json:"advance,omitzero"`
}

func (s *Server) postClock(body []byte) (any, error) {
	var entry clockEntry
	err := json.Unmarshal(body, &entry)
	d, wrong := time.ParseDuration(entry.Advance)
	if err != nil || wrong != nil {
		return nil, errors.New(`want an object such as {"advance": "3h"}`)
	}
	s.Advance(d)
	return clockEntry{Now: s.Now()}, nil
}

// postReset makes the server what it was at its start: state, journal, faults,
// limits and the clock's setting.
func (s *Server) postReset([]byte) (any, error) {
	s.mu.Lock()
	s.offset, s.faults, s.journal, s.limiter = 0, nil, nil, nil
	s.mu.Unlock()
	if err := s.Restore(*s.initial); err != nil {
		return nil, fmt.Errorf("reset: %w", err)
	}
	return nil, nil
}
