// What routes declare of the parameters that callers send, and GitLab's
// conversions and complaints.

package runnerstest

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A kind says how a declared parameter is converted.
type kind int

const (
	textKind kind = iota
	booleanKind
	integerKind
	listKind   // texts; a text is split at its commas
	hashKind   // name and value pairs
	momentKind // a time
)

// A param is a parameter as a route declares it.
type param struct {
	name     string
	kind     kind
	required bool
	needed   func(*request) bool            // whether it is required all the same; nil = no
	values   []string                       // nil = any
	check    func(value any) (fault string) // what else GitLab refuses
	fallback any                            // the value when none is given
}

// declared is a set of parameters, as one version of a route has it.
type declared struct {
	group     string // the word before the question mark in the version table
	params    []param
	exclusive [][2]string // pairs of which at most one may be given
	anyOf     bool        // at least one but path parameters must be given
}

// in returns what a version has of d.
func (d declared) in(e *edition) declared {
	d.params = slices.Clone(d.params)
	d.params = slices.DeleteFunc(d.params, func(p param) bool {
		return !e.has(d.group + "?" + p.name)
	})
	for i, p := range d.params {
		d.params[i].values = slices.DeleteFunc(slices.Clone(p.values), func(v string) bool {
			return !e.has(d.group + "?" + p.name + "=" + v)
		})
	}
	d.exclusive = slices.DeleteFunc(slices.Clone(d.exclusive), func(pair [2]string) bool {
		return !d.declares(pair[0]) || !d.declares(pair[1]) ||
			!e.has(d.group+"?"+pair[0]+", "+pair[1])
	})
	return d
}

// with returns d with more parameters in front, such as a path's id.
func (d declared) with(params ...param) declared {
	d.params = append(params, d.params...)
	return d
}

// validate is the step that converts the declared parameters. It collects all
// faults in one text, as GitLab does.
func validate(q *request) *refusal {
	var faults []string
	q.args = make(map[string]any, len(q.route.params.params))
	for i := range q.route.params.params {
		faults = append(faults, q.accept(&q.route.params.params[i])...)
	}
	faults = append(faults, q.groupFaults()...)
	if faults != nil {
		return refuseError(http.StatusBadRequest, strings.Join(faults, ", "))
	}
	return nil
}

// accept converts one parameter.
func (q *request) accept(p *param) (faults []string) {
	raw, sent := q.given[p.name]
	if !sent {
		if p.fallback != nil {
			q.args[p.name] = p.fallback
		}
		return p.missing(q)
	}
	value, ok := p.convert(raw)
	switch {
	case !ok:
		return []string{p.name + " is invalid"}
	case p.values != nil && !p.allows(value):
		return []string{p.name + " does not have a valid value"}
	}
	if p.check != nil && value != nil {
		if fault := p.check(value); fault != "" {
			return []string{p.name + " " + fault}
		}
	}
	q.args[p.name] = value
	return nil
}

// missing is what GitLab says when a parameter is not given.
func (p *param) missing(q *request) []string {
	switch {
	case !p.required && (p.needed == nil || !p.needed(q)):
		return nil
	case p.values != nil:
		return []string{p.name + " is missing", p.name + " does not have a valid value"}
	default:
		return []string{p.name + " is missing"}
	}
}

// allows reports whether a value is one of the parameter's. An optional one
// may be null.
func (p *param) allows(value any) bool {
	text, ok := value.(string)
	return ok && slices.Contains(p.values, text) || value == nil && !p.required
}

// groupFaults checks what is asked of several parameters at once.
func (q *request) groupFaults() (faults []string) {
	d := q.route.params
	for _, pair := range d.exclusive {
		if q.sent(pair[0]) && q.sent(pair[1]) {
			faults = append(faults, pair[0]+", "+pair[1]+" are mutually exclusive")
		}
	}
	if !d.anyOf {
		return faults
	}
	var names []string
	for _, p := range d.params {
		switch {
		case p.required:
		case q.sent(p.name):
			return faults
		default:
			names = append(names, p.name)
		}
	}
	return append(faults, strings.Join(names, ", ")+
		" are missing, at least one parameter must be provided")
}

func (q *request) sent(name string) bool {
	_, ok := q.given[name]
	return ok
}

// convert turns what was sent into the parameter's kind; nil is null.
func (p *param) convert(raw any) (value any, ok bool) {
	if p.kind == listKind {
		return splitList(raw), true
	}
	if raw == nil || raw == "" && p.kind != textKind {
		return nil, true
	}
	switch p.kind {
	case textKind, listKind:
		return toText(raw)
	case booleanKind:
		return toBoolean(raw)
	case integerKind:
		return toInteger(raw)
	case momentKind:
		return toMoment(raw)
	case hashKind:
		return toHash(raw)
	}
	return nil, false
}

func toText(raw any) (any, bool) {
	switch v := raw.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return nil, false
	}
}

func toBoolean(raw any) (any, bool) {
	text, ok := toText(raw)
	if !ok {
		return nil, false
	}
	word, _ := text.(string)
	switch strings.ToLower(word) {
	case "true", "t", "1", "yes", "on":
		return true, true
	case "false", "f", "0", "no", "off":
		return false, true
	default:
		return nil, false
	}
}

// toInteger takes digits and JSON numbers. What is too large for an id is the
// largest there is, which nothing has.
func toInteger(raw any) (any, bool) {
	if number, ok := raw.(json.Number); ok {
		raw = string(number)
		if f, err := number.Float64(); err == nil && strings.ContainsAny(string(number), ".eE") {
			return clampInteger(f), true
		}
	}
	text, ok := raw.(string)
	digits := strings.TrimPrefix(text, "-")
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return nil, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && text[0] != '-' {
		n = math.MaxInt64
	}
	return n, true
}

func clampInteger(f float64) int64 {
	if f >= math.MaxInt64 || f <= math.MinInt64 {
		return math.MaxInt64
	}
	return int64(f)
}

func toMoment(raw any) (any, bool) {
	text, _ := raw.(string)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return nil, false
}

func toHash(raw any) (any, bool) {
	switch v := raw.(type) {
	case given:
		return v, true
	case map[string]any:
		return given(v), true
	default:
		return nil, false
	}
}

// splitList splits a text at its commas and flattens a list of such texts.
// Anything else, null too, is an empty list.
func splitList(raw any) []string {
	list := []string{}
	switch v := raw.(type) {
	case string:
		for piece := range strings.SplitSeq(v, ",") {
			if piece = strings.TrimSpace(piece); piece != "" {
				list = append(list, piece)
			}
		}
	case []any:
		for _, element := range v {
			if text, ok := toText(element); ok {
				list = append(list, splitList(text)...)
			}
		}
	}
	return list
}

// text returns a parameter that was given and is not null.
func (q *request) text(name string) (string, bool) {
	v, ok := q.args[name].(string)
	return v, ok
}

func (q *request) boolean(name string) (value, ok bool) {
	value, ok = q.args[name].(bool)
	return value, ok
}

func (q *request) integer(name string) (int64, bool) {
	v, ok := q.args[name].(int64)
	return v, ok
}

func (q *request) list(name string) ([]string, bool) {
	v, ok := q.args[name].([]string)
	return v, ok
}

func (q *request) moment(name string) time.Time {
	v, _ := q.args[name].(time.Time)
	return v
}

// presentText returns a parameter unless it is blank: where GitLab creates a
// runner, a blank parameter counts as not given.
func (q *request) presentText(name string) (string, bool) {
	v, ok := q.text(name)
	return v, ok && strings.TrimSpace(v) != ""
}
