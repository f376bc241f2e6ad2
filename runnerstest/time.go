// Times as seeds write them: absolute, or counted from now.

package runnerstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Time is a moment in a spec: absolute, or an offset from the moment at
// which the seed is loaded or the object is added. The zero Time leaves the
// field at its default, which is never unless the field says otherwise.
//
// In JSON it is null, "now", an offset such as "-1h30m" or "+30d" (units s, m,
// h and d), or RFC 3339.
type Time struct {
	count int64 // the seconds of an absolute time, the nanoseconds of an offset
	nanos int32 // beside the seconds
	form  timeForm
}

type timeForm uint8

const (
	formUnset timeForm = iota
	formNever
	formAbsolute
	formOffset
)

// At is the absolute time t. The zero time is [Never].
func At(t time.Time) Time {
	if t.IsZero() {
		return Never()
	}
	return Time{form: formAbsolute, count: t.Unix(), nanos: int32(t.Nanosecond())}
}

// Ago is d before the seed is loaded or the object is added.
func Ago(d time.Duration) Time { return Time{form: formOffset, count: int64(-d)} }

// In is d after the seed is loaded or the object is added.
func In(d time.Duration) Time { return Time{form: formOffset, count: int64(d)} }

// Never says that something has not happened, or will not, also where the
// default is another time.
func Never() Time { return Time{form: formNever} }

// IsZero reports whether t leaves its field at the default.
func (t Time) IsZero() bool { return t.form == formUnset }

// Time returns the absolute time, and the zero time where t is none. The times
// of a snapshot and those that the Add methods return are absolute.
func (t Time) Time() time.Time {
	if t.form != formAbsolute {
		return time.Time{}
	}
	return time.Unix(t.count, int64(t.nanos)).UTC()
}

// String returns t as it stands in JSON, without the quotes.
func (t Time) String() string {
	switch t.form {
	case formAbsolute:
		return t.Time().Format("2006-01-02T15:04:05.000Z07:00")
	case formOffset:
		return formatOffset(time.Duration(t.count))
	case formUnset, formNever:
	}
	return "null"
}

// MarshalJSON writes an absolute time in RFC 3339 with milliseconds, an offset
// as an offset, and never as null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.form == formUnset || t.form == formNever {
		return []byte("null"), nil
	}
	return json.Marshal(t.String())
}

// UnmarshalJSON reads any of the forms that a seed may have.
func (t *Time) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*t = Never()
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("no time: %w", err)
	}
	read, ok := parseTime(s)
	if !ok {
		return fmt.Errorf("no time: %.40q", s)
	}
	*t = read
	return nil
}

// from returns the moment that t is when it is now; zero where t has none.
func (t Time) from(now time.Time) time.Time {
	if t.form == formOffset {
		return now.UTC().Add(time.Duration(t.count))
	}
	return t.Time()
}

// parseTime reads "now", an offset or RFC 3339.
func parseTime(s string) (Time, bool) {
	if s == "now" {
		return In(0), true
	}
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		return parseOffset(s)
	}
	var at time.Time
	// Unlike Parse, UnmarshalText accepts nothing but RFC 3339.
	if err := at.UnmarshalText([]byte(s)); err != nil || !timeInRange(at) {
		return Time{}, false
	}
	return At(at), true
}

// timeInRange reports whether t can be written and read again without loss.
func timeInRange(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1000 && year <= 9999
}

// parseOffset reads a sign and one or more NUMBER+UNIT.
func parseOffset(s string) (Time, bool) {
	var total time.Duration
	rest := s[1:]
	for more := true; more; more = rest != "" {
		digits := strings.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if digits < 1 {
			return Time{}, false
		}
		piece, ok := parsePiece(rest[:digits], rest[digits])
		if !ok || piece > math.MaxInt64-total {
			return Time{}, false
		}
		total += piece
		rest = rest[digits+1:]
	}
	if s[0] == '-' {
		return Ago(total), true
	}
	return In(total), true
}

// parsePiece reads one number with its unit.
func parsePiece(number string, unit byte) (time.Duration, bool) {
	if !strings.Contains("smhd", string(unit)) ||
		strings.HasPrefix(number, ".") || strings.HasSuffix(number, ".") {
		return 0, false
	}
	if unit != 'd' {
		d, err := time.ParseDuration(number + string(unit))
		return d, err == nil
	}
	d, err := time.ParseDuration(number + "h")
	return d * 24, err == nil && d <= math.MaxInt64/24
}

// formatOffset writes what parseOffset reads.
func formatOffset(d time.Duration) string {
	if d == 0 {
		return "now"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
	} else {
		b.WriteByte('+')
	}
	d = d.Abs()
	for _, unit := range []struct {
		size time.Duration
		name byte
	}{{24 * time.Hour, 'd'}, {time.Hour, 'h'}, {time.Minute, 'm'}} {
		if n := d / unit.size; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, unit.name)
			d %= unit.size
		}
	}
	if d > 0 {
		b.WriteString(strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s")
	}
	return b.String()
}
