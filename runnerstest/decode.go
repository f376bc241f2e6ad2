// Strict reading of a seed: JSON becomes specs, and whatever is wrong is named
// with the place where it stands.

package runnerstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A place is where in a seed something stands, such as runners[3].projects.
type place []placeStep

// A placeStep is an index or, where that is negative, the name of a field.
type placeStep struct {
	name  string
	index int
}

func atName(field string) placeStep { return placeStep{name: field, index: -1} }

func atIndex(i int) placeStep { return placeStep{index: i} }

// String returns the JSON path, always on one line.
func (p place) String() string {
	var b strings.Builder
	for _, s := range p {
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		if s.name == "" || strings.ContainsFunc(s.name, unfitForPath) {
			s.name = fmt.Sprintf("%.40q", s.name)
		}
		b.WriteString(s.name)
	}
	return b.String()
}

// unfitForPath reports whether a name with this letter needs quotes.
func unfitForPath(r rune) bool {
	return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// A seedError says what is wrong with a seed, or with what was added, and
// where.
type seedError struct{ place, text string }

// Error returns both on one line.
func (e *seedError) Error() string {
	if e.place == "" {
		return e.text
	}
	return e.place + ": " + e.text
}

// A record is a spec that can be read: fields are the names that it knows.
type record interface{ fields() []specField }

// recordOf is a pointer to a spec.
type recordOf[T any] interface {
	*T
	record
}

// A specField says where the value of a name goes. It is read by the kind of
// what into points to, or by into itself, a func(*seedReader) error.
type specField struct {
	name string
	into any
	seen bool
}

// Fields are read through pointers to these where their own type allows more,
// or less.
type (
	specID  int64  // as a number must be that is an id
	anyText string // may be empty, unlike other strings
)

// UnmarshalJSON reads a state as a seed is read: strictly.
func (s *State) UnmarshalJSON(data []byte) error {
	state, err := readState(bytes.NewReader(data))
	if err == nil {
		*s = state
	}
	return err
}

// readState reads a seed. It checks names and kinds; whether the values make
// sense together shows when they are loaded.
func readState(r io.Reader) (State, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return State{}, err
	}
	if err := checkSyntax(data); err != nil {
		return State{}, err
	}
	d := &seedReader{rest: data, names: map[string]string{}}
	var state State
	if err := d.record(state.fields()); err != nil {
		return State{}, err
	}
	return state, nil
}

// checkSyntax reports where data is not one JSON value in UTF-8.
func checkSyntax(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return &seedError{text: "the seed is empty"}
	}
	if !utf8.Valid(data) {
		return &seedError{text: "the seed is not UTF-8"}
	}
	if json.Valid(data) {
		return nil
	}
	fault := &seedError{text: "no JSON"}
	err := json.Unmarshal(data, new(json.RawMessage))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := data[:min(max(0, int(syntax.Offset)), len(data))]
		fault.place = fmt.Sprintf("line %d", 1+bytes.Count(before, []byte("\n")))
		fault.text += ": " + syntax.Error()
	}
	return fault
}

// A seedReader walks a seed that is valid JSON.
type seedReader struct {
	rest  []byte
	place place
	names map[string]string // those of fields that were read
}

// A word is one word of JSON: a bracket, or a value that is neither array nor
// object.
type word []byte

// pass goes past what stands between words: white space, commas and colons.
func (d *seedReader) pass() {
	i := 0
	for d.rest[i] <= ' ' || d.rest[i] == ',' || d.rest[i] == ':' {
		i++
	}
	d.rest = d.rest[i:]
}

// next returns the next word.
func (d *seedReader) next() word {
	d.pass()
	end := 1
	switch d.rest[0] {
	case '{', '}', '[', ']':
	case '"':
		for ; d.rest[end] != '"'; end++ {
			if d.rest[end] == '\\' {
				end++
			}
		}
		end++
	default:
		for end < len(d.rest) && bytes.IndexByte([]byte(" \t\r\n,]}"), d.rest[end]) < 0 {
			end++
		}
	}
	t := word(d.rest[:end])
	d.rest = d.rest[end:]
	return t
}

// more reports whether the array or object at hand goes on; if not, it reads
// the end.
func (d *seedReader) more() bool {
	d.pass()
	if d.rest[0] == ']' || d.rest[0] == '}' {
		d.rest = d.rest[1:]
		return false
	}
	return true
}

// skip reads a value that does not matter.
func (d *seedReader) skip() {
	for depth := 0; ; {
		switch d.next()[0] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth == 0 {
			return
		}
	}
}

// String describes a word. It does not show strings: they may be secrets.
func (t word) String() string {
	switch t[0] {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '[':
		return "an array"
	case '{':
		return "an object"
	}
	return fmt.Sprintf("%.20s", string(t))
}

// text returns the value of a string.
func (t word) text() (s string, ok bool) {
	if t[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(t, '\\') < 0 {
		return string(t[1 : len(t)-1]), true
	}
	return s, json.Unmarshal(t, &s) == nil
}

func (t word) boolean() (value, ok bool) { return t[0] == 't', t[0] == 't' || t[0] == 'f' }

func (t word) integer() (int64, bool) {
	n, err := strconv.ParseInt(string(t), 10, 64)
	return n, err == nil
}

func (t word) number() (float64, bool) {
	n, err := strconv.ParseFloat(string(t), 64)
	return n, err == nil && t[0] != '"'
}

func (d *seedReader) faultf(format string, args ...any) error {
	return &seedError{place: d.place.String(), text: fmt.Sprintf(format, args...)}
}

// want is the error of a value of the wrong kind.
func (d *seedReader) want(kind string, got word) error {
	return d.faultf("want %s, got %s", kind, got)
}

// absent reports whether a word is null, which leaves a field at its default.
// It means nothing elsewhere: at the top and in arrays.
func (d *seedReader) absent(t word) bool {
	return t[0] == 'n' && len(d.place) > 0 && d.place[len(d.place)-1].index < 0
}

// open reads the beginning of an array or object, and reports false where null
// stands in its place.
func (d *seedReader) open(bracket byte, kind string) (bool, error) {
	t := d.next()
	if d.absent(t) {
		return false, nil
	}
	if t[0] != bracket {
		return false, d.want(kind, t)
	}
	return true, nil
}

// record reads an object into fields, whose names are known.
func (d *seedReader) record(fields []specField) error {
	for i := range fields {
		fields[i].seen = false
	}
	return d.object(func(name string) error {
		for i := range fields {
			f := &fields[i]
			switch {
			case f.name != name:
				continue
			case f.seen:
				return d.faultf("stands here twice")
			}
			f.seen = true
			return d.value(f.into)
		}
		return d.faultf("unknown field")
	})
}

// object reads an object, all but its comments; member reads the value of one
// name.
func (d *seedReader) object(member func(name string) error) error {
	if ok, err := d.open('{', "an object"); !ok {
		return err
	}
	for d.more() {
		name := d.name()
		if strings.HasPrefix(name, "_") {
			d.skip()
			continue
		}
		d.place = append(d.place, atName(name))
		if err := member(name); err != nil {
			return err
		}
		d.place = d.place[:len(d.place)-1]
	}
	return nil
}

// name reads the name of a field. Most names stand in a seed many times.
func (d *seedReader) name() string {
	t := d.next()
	if known, ok := d.names[string(t)]; ok {
		return known
	}
	name, _ := t.text()
	d.names[string(t)] = name
	return name
}

// value reads one value into what its field says.
func (d *seedReader) value(into any) error {
	switch into := into.(type) {
	case *[]string:
		return readScalars(d, into, "a string", word.text)
	case *[]int64:
		return readScalars(d, into, "an integer", word.integer)
	case *Time:
		return d.time(into, parseTime)
	case *[]Time:
		return readList(d, into, func(t *Time) error { return d.time(t, parseTime) })
	case *map[string]Role:
		return d.members(into)
	case record:
		return d.record(into.fields())
	case func(*seedReader) error:
		return into(d)
	default:
		return d.scalar(into)
	}
}

// scalar reads a string, number or boolean.
func (d *seedReader) scalar(into any) error {
	switch into := into.(type) {
	case *string:
		return d.filled(into)
	case *anyText:
		return readScalar(d, (*string)(into), "a string", word.text)
	case **string:
		return readScalar(d, into, "a string", pointer(word.text))
	case *bool:
		return readScalar(d, into, "true or false", word.boolean)
	case **bool:
		return readScalar(d, into, "true or false", pointer(word.boolean))
	case *int64:
		return readScalar(d, into, "an integer", word.integer)
	case *specID:
		return d.id((*int64)(into))
	case **int64:
		return readScalar(d, into, "an integer", pointer(word.integer))
	case **float64:
		return readScalar(d, into, "a number", pointer(word.number))
	default:
		panic(fmt.Sprintf("no reader for %T", into))
	}
}

// readScalar reads a string, number or boolean; null leaves the default.
func readScalar[T any](d *seedReader, into *T, kind string, convert func(word) (T, bool)) error {
	t := d.next()
	if d.absent(t) {
		return nil
	}
	v, ok := convert(t)
	if !ok {
		return d.want(kind, t)
	}
	*into = v
	return nil
}

// filled reads a string that is not empty: in a spec, empty is the default.
func (d *seedReader) filled(into *string) error {
	t := d.next()
	if d.absent(t) {
		return nil
	}
	s, ok := t.text()
	switch {
	case !ok:
		return d.want("a string", t)
	case s == "":
		return d.faultf("must not be empty")
	}
	*into = s
	return nil
}

// id reads an id. It refuses 0: in a spec, that is the default.
func (d *seedReader) id(into *int64) error {
	t := d.next()
	if d.absent(t) {
		return nil
	}
	n, ok := t.integer()
	switch {
	case !ok:
		return d.want("an integer", t)
	case n < 1 || n > maxSpecID:
		return d.faultf("must be between 1 and %d", int64(maxSpecID))
	}
	*into = n
	return nil
}

// readScalars reads an array of strings or numbers.
func readScalars[T any](
	d *seedReader, into *[]T, kind string, convert func(word) (T, bool),
) error {
	return readList(d, into, func(v *T) error { return readScalar(d, v, kind, convert) })
}

// readList reads an array; null leaves it nil, [] makes it empty.
func readList[T any](d *seedReader, into *[]T, element func(*T) error) error {
	if ok, err := d.open('[', "an array"); !ok {
		return err
	}
	*into = []T{}
	begin := len(d.rest)
	for i := 0; d.more(); i++ {
		if i == cap(*into) {
			*into = slices.Grow(*into, growth(i, begin-len(d.rest), len(d.rest)))
		}
		*into = (*into)[:i+1]
		d.place = append(d.place, atIndex(i))
		if err := element(&(*into)[i]); err != nil {
			return err
		}
		d.place = d.place[:len(d.place)-1]
	}
	return nil
}

// growth is for how many more elements there should be room after n of this
// size. They may be large, so that it is not many more than there will be.
func growth(n, size, rest int) int {
	if n < 16 {
		return n + 1
	}
	return min(7*n, n*rest/size+1)
}

// records returns a reader for an array of specs.
func records[T any, P recordOf[T]](into *[]T) func(*seedReader) error {
	return func(d *seedReader) error {
		var spec T
		fields := P(&spec).fields()
		return readList(d, into, func(item *T) error {
			err := d.record(fields)
			*item = spec
			spec = *new(T)
			return err
		})
	}
}

// members reads roles by username.
func (d *seedReader) members(into *map[string]Role) error {
	roles := map[string]Role{}
	err := d.object(func(name string) error {
		if _, taken := roles[name]; taken {
			return d.faultf("stands here twice")
		}
		t := d.next()
		var role Role
		if role.UnmarshalJSON(t) != nil {
			// No secret stands here, so the value may be shown.
			return d.faultf("want a role, got %.40s", string(t))
		}
		roles[name] = role
		return nil
	})
	if len(roles) > 0 {
		*into = roles
	}
	return err
}

// time reads a time with parse; null is never.
func (d *seedReader) time(into *Time, parse func(string) (Time, bool)) error {
	t := d.next()
	if d.absent(t) {
		*into = Never()
		return nil
	}
	s, ok := t.text()
	if !ok {
		return d.want("a time", t)
	}
	if *into, ok = parse(s); !ok {
		return d.faultf("no time: %.40q", s)
	}
	return nil
}

// dateOrTime returns a reader for a time that may also be a date: the
// beginning of that day.
func dateOrTime(into *Time) func(*seedReader) error {
	return func(d *seedReader) error {
		return d.time(into, func(s string) (Time, bool) {
			if day, err := time.Parse(time.DateOnly, s); err == nil && timeInRange(day) {
				return At(day), true
			}
			return parseTime(s)
		})
	}
}

// pointer makes a conversion to a pointer of one to a value.
func pointer[T any](convert func(word) (T, bool)) func(word) (*T, bool) {
	return func(t word) (*T, bool) {
		v, ok := convert(t)
		return &v, ok
	}
}
