// The rows of a list of runners, read without reflection as GitLab writes
// them. Whatever looks different is left to encoding/json.

package runners

import (
	"bytes"
	"strings"
	"time"
	"unicode/utf8"
)

// parseRunners reads a list of runners, with the result of encoding/json. It
// reports whether it could: it takes no escapes, no key twice and no nested
// value that it does not know.
func parseRunners(text []byte) ([]Runner, bool) {
	p := parser{text: text}
	p.rows = make([]Runner, 0, min(bytes.Count(text, []byte(`"is_shared":`)), bytes.Count(text, []byte("{"))))
	for more := p.opens('[', ']'); more; more = p.goesOn(']') {
		p.rows = append(p.rows, Runner{})
		object(&p, &p.rows[len(p.rows)-1], (*parser).runnerField)
	}
	p.space()
	return p.rows, !p.strange && p.at == len(text)
}

// A parser reads a text once, and does not care any more when it is strange.
type parser struct {
	text    []byte
	at      int
	strange bool

	rows  []Runner
	texts strings.Builder
	bools []bool      // what pointers of rows point to
	times []time.Time // likewise
}

// object reads an object into o. field reads the value of a key, and returns a
// bit of its own for each key.
func object[T any](p *parser, o *T, field func(p *parser, o *T, key []byte) uint) {
	var seen uint
	for more := p.opens('{', '}'); more; more = p.goesOn('}') {
		key := p.string()
		p.space()
		p.expect(':')
		p.space()
		bit := field(p, o, key)
		p.strange = p.strange || seen&bit != 0
		seen |= bit
	}
}

// runnerField reads one field of a runner.
func (p *parser) runnerField(r *Runner, key []byte) uint {
	switch string(key) {
	case "id":
		r.ID = p.integer()
		return 1
	case "description":
		r.Description = p.newString()
		return 1 << 1
	case "name":
		r.Name = p.name()
		return 1 << 2
	case "ip_address":
		r.IPAddress = p.newString()
		return 1 << 3
	case "runner_type":
		r.RunnerType = oneOf(p.textOrNull(), InstanceType, GroupType, ProjectType)
		return 1 << 4
	case "status":
		r.Status = oneOf(p.textOrNull(), StatusOnline, StatusOffline, StatusStale,
			StatusNeverContacted, StatusPaused, StatusNotConnected)
		return 1 << 5
	case "job_execution_status":
		r.JobExecutionStatus = oneOf(p.textOrNull(), ExecutionIdle, ExecutionActive)
		return 1 << 6
	default:
		return p.runnerFlag(r, key)
	}
}

// runnerFlag reads the fields that are no texts.
func (p *parser) runnerFlag(r *Runner, key []byte) uint {
	switch string(key) {
	case "is_shared":
		r.IsShared, _ = p.boolean()
		return 1 << 7
	case "active":
		r.Active, _ = p.boolean()
		return 1 << 8
	case "paused":
		r.Paused = p.newBoolean()
		return 1 << 9
	case "online":
		r.Online = p.newBoolean()
		return 1 << 10
	case "created_at":
		r.CreatedAt = p.newTime()
		return 1 << 11
	case "created_by":
		if !p.word("null") {
			r.CreatedBy = &User{}
			object(p, r.CreatedBy, (*parser).userField)
		}
		return 1 << 12
	default:
		p.skip(key)
		return 0
	}
}

// userField reads one of the fields that GitLab shows of a runner's creator.
func (p *parser) userField(u *User, key []byte) uint {
	switch string(key) {
	case "id":
		u.ID = p.integer()
		return 1
	case "username":
		u.Username = p.newString()
		return 1 << 1
	case "public_email":
		u.PublicEmail = p.newString()
		return 1 << 2
	case "name":
		u.Name = p.newString()
		return 1 << 3
	case "state":
		u.State = oneOf(p.textOrNull(), "active", "blocked")
		return 1 << 4
	case "locked":
		u.Locked, _ = p.boolean()
		return 1 << 5
	case "avatar_url":
		u.AvatarURL = p.newString()
		return 1 << 6
	case "web_url":
		u.WebURL = p.newString()
		return 1 << 7
	default:
		p.strange = true
		return 0
	}
}

// oneOf returns a known text without a copy of its own.
func oneOf[T ~string](text []byte, known ...T) T {
	for _, k := range known {
		if string(text) == string(k) {
			return k
		}
	}
	return T(text)
}

// skip reads a plain value of a key that a row has no field for. encoding/json
// does not mind capitals in keys, so that others may mean a field.
func (p *parser) skip(key []byte) {
	for _, c := range key {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			p.strange = true
		}
	}
	switch p.peek() {
	case '"':
		p.string()
	case 't', 'f', 'n':
		p.boolean()
	default:
		p.integer()
	}
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\n' ||
		p.text[p.at] == '\t' || p.text[p.at] == '\r') {
		p.at++
	}
}

// peek returns the next byte; 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) expect(c byte) {
	if p.peek() != c {
		p.strange = true
		return
	}
	p.at++
}

// opens reads the beginning of a list or an object, and reports whether it has
// elements.
func (p *parser) opens(first, last byte) bool {
	p.space()
	p.expect(first)
	p.space()
	if p.peek() == last {
		p.at++
		return false
	}
	return !p.strange
}

// goesOn reports whether there is one more element.
func (p *parser) goesOn(last byte) bool {
	p.space()
	if p.peek() == last {
		p.at++
		return false
	}
	p.expect(',')
	p.space()
	return !p.strange
}

// string returns a text without escapes.
func (p *parser) string() []byte {
	p.expect('"')
	length := bytes.IndexByte(p.text[p.at:], '"')
	if length < 0 {
		p.strange = true
		return nil
	}
	text := p.text[p.at : p.at+length]
	p.at += length + 1
	ascii := true
	for _, c := range text {
		p.strange = p.strange || c < ' ' || c == '\\'
		ascii = ascii && c < utf8.RuneSelf
	}
	p.strange = p.strange || !ascii && !utf8.Valid(text)
	return text
}

func (p *parser) textOrNull() []byte {
	if p.word("null") {
		return nil
	}
	return p.string()
}

// newString returns a text of its own. The texts of a page share their memory,
// as its rows do.
func (p *parser) newString() string {
	text := p.textOrNull()
	if p.texts.Cap()-p.texts.Len() < len(text) {
		p.texts = strings.Builder{}
		p.texts.Grow(max(textsPerRow*cap(p.rows), len(text)))
	}
	from := p.texts.Len()
	p.texts.Write(text)
	return p.texts.String()[from:]
}

// textsPerRow is what the texts of a row take up that are not known, about.
const textsPerRow = 16

// name returns the name of a runner, which many have in common.
func (p *parser) name() string {
	from := p.at
	if n := len(p.rows); n > 1 && string(p.textOrNull()) == p.rows[n-2].Name {
		return p.rows[n-2].Name
	}
	p.at = from
	return p.newString()
}

func (p *parser) word(w string) bool {
	found := bytes.HasPrefix(p.text[p.at:], []byte(w))
	if found {
		p.at += len(w)
	}
	return found
}

// boolean reads true, false or null, which is no value.
func (p *parser) boolean() (value, ok bool) {
	switch {
	case p.word("true"):
		return true, true
	case p.word("false"):
		return false, true
	case !p.word("null"):
		p.strange = true
	}
	return false, false
}

// newBoolean returns a pointer to a boolean; nil for null.
func (p *parser) newBoolean() *bool {
	value, ok := p.boolean()
	if !ok {
		return nil
	}
	if len(p.bools) == cap(p.bools) {
		p.bools = make([]bool, 0, max(2*cap(p.rows), 2))
	}
	p.bools = append(p.bools, value)
	return &p.bools[len(p.bools)-1]
}

// newTime returns a pointer to a time; nil for null.
func (p *parser) newTime() *time.Time {
	if p.word("null") {
		return nil
	}
	from := p.at
	p.string()
	if len(p.times) == cap(p.times) {
		p.times = make([]time.Time, 0, max(cap(p.rows), 1))
	}
	p.times = append(p.times, time.Time{})
	t := &p.times[len(p.times)-1]
	if p.strange || t.UnmarshalJSON(p.text[from:p.at]) != nil {
		p.strange = true
	}
	return t
}

// integer reads an id, or null for none.
func (p *parser) integer() (n int64) {
	if p.word("null") {
		return 0
	}
	from := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		n = 10*n + int64(c-'0')
		p.at++
	}
	digits := p.at - from
	p.strange = p.strange || digits == 0 || digits > 18 || digits > 1 && p.text[from] == '0'
	return n
}
