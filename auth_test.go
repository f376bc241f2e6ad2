// Who we are to GitLab: credentials on the wire, their renewal, and that a
// Token shows itself to nobody.

package runners_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-832548de/runners"
)

const redacted = "[REDACTED]"

// holders are values with the same secret in them, in all the ways that a
// struct can hold it.
func holders() map[string]any {
	token := runners.NewToken(runnerToken)
	type nested struct {
		Exported   runners.Token
		Pointer    *runners.Token
		unexported runners.Token
		list       []runners.Token
		byName     map[string]runners.Token
	}
	return map[string]any{
		"token":    token,
		"pointer":  &token,
		"slice":    []runners.Token{token},
		"map":      map[string]runners.Token{"a": token},
		"nullable": runners.Value(token),
		"struct": nested{
			token, &token, token,
			[]runners.Token{token},
			map[string]runners.Token{"a": token},
		},
		"new runner":     runners.NewRunner{ID: 6, Token: token},
		"new runners":    []*runners.NewRunner{{ID: 6, Token: token}},
		"reset":          &runners.AuthenticationToken{Token: token},
		"verification":   runners.Verification{ID: 6, Token: token},
		"runner details": runners.RunnerDetails{Token: token},
		"legacy runner":  runners.LegacyRunner{ID: 6, Token: token},
		"auth":           runners.PrivateToken(runnerToken),
		"bearer":         runners.Bearer(runnerToken),
	}
}

// TestToken_print: no verb shows a secret, nor any part of it.
func TestToken_print(t *testing.T) {
	t.Parallel()
	for name, value := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%z"} {
				hides(t, verb, fmt.Sprintf(verb, value))
			}
			hides(t, "Sprint", fmt.Sprint(value))
			hides(t, "panic", fmt.Sprint(recovered(func() { panic(value) })))
		})
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.Equal(t, redacted, fmt.Sprintf(verb, runners.NewToken(runnerToken)), verb)
		assert.Empty(t, fmt.Sprintf(verb, runners.Token{}), verb)
	}
	assert.Equal(t, redacted, runners.NewToken(runnerToken).String())
}

// hides asserts that text holds nothing of the runner's token, in no encoding.
func hides(t *testing.T, how, text string) {
	t.Helper()
	const part = "canaryRunner"
	assert.NotContains(t, text, part, how)
	assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", part), how)
	assert.NotContains(t, text, "99 97 110 97 114 121 82", how)
}

func recovered(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// TestToken_log: slog shows the rest of an answer, and not its token.
func TestToken_log(t *testing.T) {
	t.Parallel()
	for name, value := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hides(t, "text", logged(value, func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) }))
			hides(t, "json", logged(value, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) }))
		})
	}
}

func logged(value any, handler func(*bytes.Buffer) slog.Handler) string {
	var b bytes.Buffer
	slog.New(handler(&b)).Info("got it", "value", value)
	return b.String()
}

func TestLogValue(t *testing.T) {
	t.Parallel()
	token := runners.NewToken(runnerToken)
	expires := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"token":      {token, `"[REDACTED]"`},
		"no token":   {runners.Token{}, `""`},
		"new runner": {runners.NewRunner{ID: 6, Token: token}, `{"token":"[REDACTED]","id":6}`},
		"reset": {
			runners.AuthenticationToken{Token: token, TokenExpiresAt: &expires},
			`{"token":"[REDACTED]","token_expires_at":"2026-07-01T12:00:00Z"}`,
		},
		"verification": {&runners.Verification{ID: 6, Token: token}, `{"token":"[REDACTED]","id":6}`},
		"details": {
			runners.RunnerDetails{
				Runner: runners.Runner{
					ID: 6, Description: "db", RunnerType: runners.ProjectType, Status: runners.StatusOnline,
				},
				Token: token,
			},
			`{"id":6,"description":"db","type":"project_type","status":"online"}`,
		},
		"legacy runner": {
			runners.LegacyRunner{ID: 6, Token: token, Description: "db"},
			`{"id":6,"token":"[REDACTED]","description":"db"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var record struct{ Value json.RawMessage }
			text := logged(c.value, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) })
			require.NoError(t, json.Unmarshal([]byte(text), &record))
			assert.JSONEq(t, c.want, string(record.Value))
		})
	}
}

// TestToken_marshal: a token that is shown once is neither leaked nor lost
// without notice.
func TestToken_marshal(t *testing.T) {
	t.Parallel()
	encodings := map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return b.Bytes(), err
		},
	}
	for name, encode := range encodings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := encode(runners.NewRunner{ID: 6, Token: runners.NewToken(runnerToken)})
			require.Error(t, err)
			hides(t, "data", string(data))
			hides(t, "error", err.Error())
		})
	}
	_, err := runners.NewToken(runnerToken).MarshalText()
	require.ErrorContains(t, err, "store what Reveal returns")
	text, err := runners.Token{}.MarshalText()
	require.NoError(t, err)
	assert.Empty(t, text)
	zero, err := json.Marshal(runners.NewRunner{ID: 6})
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":6,"token":null,"token_expires_at":null}`, string(zero))
}

// TestToken_reflection: neither a diff of testify's nor a walk over all the
// fields finds a secret.
func TestToken_reflection(t *testing.T) {
	t.Parallel()
	for name, value := range holders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var recorder recordingT
			assert.Equal(&recorder, value, "something else")
			require.NotEmpty(t, recorder.text)
			hides(t, "diff", recorder.text)
			walk(reflect.ValueOf(value), func(s string) { hides(t, "reflection", s) })
		})
	}
}

// recordingT keeps what an assertion would print.
type recordingT struct{ text string }

func (r *recordingT) Errorf(format string, args ...any) { r.text += fmt.Sprintf(format, args...) }

// walk finds all the strings in v that reflection can reach.
func walk(v reflect.Value, found func(string)) {
	switch v.Kind() { //nolint:exhaustive // the others hold no string
	case reflect.String:
		found(v.String())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), found)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), found)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walk(key, found)
			walk(v.MapIndex(key), found)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			walk(field, found)
		}
	}
}

func TestToken_equality(t *testing.T) {
	t.Parallel()
	one, same, other := runners.NewToken("a"), runners.NewToken("a"), runners.NewToken("b")
	held := one
	assert.True(t, one.Equal(same))
	assert.False(t, one.Equal(other))
	assert.False(t, one.Equal(runners.Token{}))
	assert.True(t, runners.NewToken("").Equal(runners.Token{}))
	assert.True(t, reflect.DeepEqual(one, held), "a copy is equal")
	assert.False(t, reflect.DeepEqual(one, other))
	assert.True(t, reflect.DeepEqual(runners.Token{}, runners.NewToken("")))
	assert.False(t, reflect.TypeFor[runners.Token]().Comparable(), "== compares the wrong thing")
	assert.True(t, runners.NewToken("").IsZero())
	assert.False(t, one.IsZero())
	assert.Equal(t, "a", one.Reveal())
	assert.Empty(t, runners.Token{}.Reveal())
}

func TestToken_unmarshal(t *testing.T) {
	t.Parallel()
	var token runners.Token
	require.NoError(t, json.Unmarshal([]byte(`"glrt-x"`), &token))
	assert.Equal(t, "glrt-x", token.Reveal())
	require.NoError(t, json.Unmarshal([]byte(`null`), &token))
	assert.True(t, token.IsZero())
	require.Error(t, json.Unmarshal([]byte(`12`), &token))
}

func TestAuth_header(t *testing.T) {
	t.Parallel()
	fetch := func(context.Context) (string, error) { return accessToken, nil }
	for name, c := range map[string]struct {
		auth runners.Auth
		want http.Header // only these of the two
	}{
		"private token": {runners.PrivateToken(accessToken), http.Header{"Private-Token": {accessToken}}},
		"bearer":        {runners.Bearer(accessToken), http.Header{"Authorization": {"Bearer " + accessToken}}},
		"source":        {runners.BearerSource(fetch), http.Header{"Authorization": {"Bearer " + accessToken}}},
		"anonymous":     {runners.Anonymous(), http.Header{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(reply(200, `{"version":"17.5.0"}`))
			_, err := clientAs(t, c.auth, s, nil).Version(t.Context())
			require.NoError(t, err)
			got := http.Header{}
			for _, h := range []string{"Private-Token", "Authorization"} {
				if v, ok := s.requests()[0].Header[h]; ok {
					got[h] = v
				}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// oldAndNew is a GitLab to which only the second token of a source is good.
func oldAndNew(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") == "Bearer second" {
		return reply(200, `{"version":"17.5.0"}`)(req)
	}
	time.Sleep(time.Second)
	return reply(401, `{"message":"401 Unauthorized"}`)(req)
}

// TestBearerSource_once: twenty goroutines are told that their token is no
// longer good. One of them fetches another, and all succeed.
func TestBearerSource_once(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fetched atomic.Int32
		source := runners.BearerSource(func(context.Context) (string, error) {
			time.Sleep(time.Second)
			return map[int32]string{1: "first", 2: "second"}[fetched.Add(1)], nil
		})
		s := play(oldAndNew)
		c := clientAs(t, source, s, nil)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				_, err := c.Version(t.Context())
				assert.NoError(t, err)
			})
		}
		group.Wait()
		assert.EqualValues(t, 2, fetched.Load())
		assert.Len(t, s.requests(), 40)
	})
}

// TestBearerSource_refused: a token is renewed once in a call. The second
// sending is not one of the attempts that MaxAttempts counts.
func TestBearerSource_refused(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *runners.Client) error{
		"read": func(ctx context.Context, c *runners.Client) error {
			_, err := c.Runners.Get(ctx, 6)
			return err
		},
		"create": func(ctx context.Context, c *runners.Client) error {
			_, err := c.Runners.Create(ctx, runners.ForInstance(), nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, most := range []int{1, 2, 4} {
				tokens := []string{"first", "second", "third"}
				source := runners.BearerSource(func(context.Context) (string, error) {
					token := tokens[0]
					tokens = tokens[1:]
					return token, nil
				})
				s := play(reply(401, `{"message":"401 Unauthorized"}`))
				err := call(t.Context(), clientAs(t, source, s, &runners.Options{MaxAttempts: most}))
				require.ErrorIs(t, err, runners.ErrUnauthorized)
				require.Len(t, s.requests(), 2, "renewed once, and no more")
				assert.Equal(t, "Bearer second", s.requests()[1].Header.Get("Authorization"))
				assert.Equal(t, 2, failure(t, err).Attempts)
				assert.True(t, strings.HasSuffix(err.Error(), ": 401 Unauthorized"), err.Error())
			}
		})
	}
}

// TestBearerSource_failing: what the source says reaches the caller, and
// nothing is sent without a token.
func TestBearerSource_failing(t *testing.T) {
	t.Parallel()
	errVault := errors.New("the vault is closed")
	s := play(reply(200, `{}`))
	_, err := clientAs(t, runners.BearerSource(func(context.Context) (string, error) {
		return "", errVault
	}), s, nil).Version(t.Context())
	require.ErrorIs(t, err, runners.ErrUnauthorized)
	require.ErrorIs(t, err, errVault)
	assert.Equal(t, "runners: GET /version: no credential: token source: the vault is closed", err.Error())
	assert.Equal(t, runners.PhaseNotSent, failure(t, err).Phase)
	assert.Empty(t, s.requests())

	good := true
	s = play(reply(401, `{"message":"401 Unauthorized"}`))
	_, err = clientAs(t, runners.BearerSource(func(context.Context) (string, error) {
		if good {
			good = false
			return "first", nil
		}
		return "", errVault
	}), s, nil).Version(t.Context())
	require.ErrorIs(t, err, runners.ErrUnauthorized)
	require.ErrorIs(t, err, errVault)
	assert.Contains(t, err.Error(), "401 Unauthorized (and the credential was not renewed: token source: the vault")
	assert.Len(t, s.requests(), 1)
}

// TestBearerSource_badToken: a source is held to what New asks of a token.
func TestBearerSource_badToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", " canaryRunner", "canaryRunner\n", runnerToken} {
		s := play(reply(200, `{}`))
		_, err := clientAs(t, runners.BearerSource(func(context.Context) (string, error) {
			return token, nil
		}), s, nil).Version(t.Context())
		require.ErrorIs(t, err, runners.ErrUnauthorized)
		hides(t, "error", fmt.Sprintf("%v %+v %#v", err, err, err))
		assert.Empty(t, s.requests())
	}
}

// TestBearerSource_cancelled: waiting for a token ends with the context.
func TestBearerSource_cancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		source := runners.BearerSource(func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		s := play(reply(200, `{}`))
		_, err := clientAs(t, source, s, nil).Version(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.NotErrorIs(t, err, runners.ErrUnauthorized, "nobody refused anything")
		assert.Empty(t, s.requests())
	})
}

// TestBearerSource_manyCancelled: calls that wait for a credential that never
// comes end with their contexts, all of them, and leave nothing behind.
func TestBearerSource_manyCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := runners.BearerSource(func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		c := clientAs(t, source, fails{t}, nil)
		var calls sync.WaitGroup
		for i := range 1000 {
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%10+1)*time.Second)
				defer cancel()
				_, err := c.Runners.Get(ctx, 6)
				if ctx.Err() == nil || err == nil {
					t.Errorf("ended before its context: %v", err)
				}
			})
		}
		calls.Wait()
	})
}

// TestBearerSource_waiting: whoever waits for a token that another goroutine
// fetches waits no longer than its own context.
func TestBearerSource_waiting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tokens   []string // that are there at once
		together time.Duration
		is       error // beside the deadline
		requests int
	}{
		"first token":          {nil, 0, nil, 0},
		"before it is sent":    {[]string{"first"}, time.Second, nil, 1},
		"after it was refused": {[]string{"first"}, 0, runners.ErrUnauthorized, 2},
	} {
		inBubble(t, name, func(t *testing.T) {
			var fetched atomic.Int32
			source := runners.BearerSource(func(ctx context.Context) (string, error) {
				if n := int(fetched.Add(1)); n <= len(c.tokens) {
					return c.tokens[n-1], nil
				}
				time.Sleep(time.Hour) // it heeds no context
				return "late", ctx.Err()
			})
			var asked atomic.Int32
			s := play(func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Duration(asked.Add(1)) * time.Millisecond) // in the order of asking
				return reply(401, `{}`)(req)
			})
			gitlab := clientAs(t, source, s, &runners.Options{AttemptTimeout: 2 * time.Hour})
			var group sync.WaitGroup
			group.Go(func() { _, _ = gitlab.Version(t.Context()) })
			synctest.Wait()
			time.Sleep(c.together)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			_, err := gitlab.Version(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, time.Minute, time.Since(began))
			assert.Equal(t, c.is != nil, errors.Is(err, runners.ErrUnauthorized))
			assert.Len(t, s.requests(), c.requests)
			assert.EqualValues(t, len(c.tokens)+1, fetched.Load())
			group.Wait()
		})
	}
}

// renewing is an Auth of the caller's whose renewal never ends by itself.
type renewing struct{ runners.Auth }

func (renewing) Refresh(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestRefresh_bounded: a renewal lasts no longer than an attempt, and no longer
// than the call; whoever waits for it can try for itself afterwards.
func TestRefresh_bounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ attempt, call, want time.Duration }{
		"an attempt":  {3 * time.Second, time.Hour, 3 * time.Second},
		"the call":    {time.Hour, 3 * time.Second, 3 * time.Second},
		"the default": {0, time.Hour, 30 * time.Second},
	} {
		inBubble(t, name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), c.call)
			defer cancel()
			s := play(reply(401, `{"message":"401 Unauthorized"}`))
			gitlab := clientAs(t, renewing{runners.PrivateToken(accessToken)}, s, &runners.Options{AttemptTimeout: c.attempt})
			for range 2 {
				began := time.Now()
				_, err := gitlab.Version(ctx)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				if ctx.Err() != nil && time.Since(began) == 0 {
					break
				}
				require.ErrorIs(t, err, runners.ErrUnauthorized)
				assert.Equal(t, c.want, time.Since(began))
			}
		})
	}
}

// TestAuth_own: an Auth of the caller's is asked for each attempt, its header
// is a secret, and an error of its own reaches the caller.
func TestAuth_own(t *testing.T) {
	t.Parallel()
	s := play(reply(400, `{"message":"no such job as canary-job-secret"}`))
	_, err := clientAs(t, authFunc(func(req *http.Request) error {
		req.Header.Set("Job-Token", "canary-job-secret")
		return nil
	}), s, nil).Version(t.Context())
	assert.Equal(t, "runners: GET /version: 400 no such job as [REDACTED]", err.Error())

	errOwn := errors.New("no ticket")
	_, err = clientAs(t, authFunc(func(*http.Request) error { return errOwn }), s, nil).Version(t.Context())
	require.ErrorIs(t, err, errOwn)

	_, err = clientAs(t, authFunc(func(req *http.Request) error {
		req.Header.Set("Authorization", "Bearer ")
		return nil
	}), s, nil).Version(t.Context())
	assert.Equal(t, "runners: GET /version: 400 no such job as canary-job-secret", err.Error(),
		"an empty secret stands nowhere in a text")
}

type authFunc func(*http.Request) error

func (f authFunc) Authenticate(req *http.Request) error { return f(req) }

// TestAuth_tokenFaults: a token that cannot be right is refused before any
// request, and not shown.
func TestAuth_tokenFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ token, fault string }{
		"empty":         {"", "token is empty"},
		"spaces":        {" canaryRunner ", "token has surrounding whitespace"},
		"newline":       {"canaryRunner\n", "token has surrounding whitespace"},
		"header":        {"canaryRunner\r\nX-Evil: 1", "token has a character that no token has"},
		"null":          {"canaryRunner\x00", "token has a character that no token has"},
		"not ascii":     {"canaryRunnerü", "token has a character that no token has"},
		"inner space":   {"canary Runner", "token has a character that no token has"},
		"runner's":      {runnerToken, "a token that begins with glrt- is no access token: "},
		"registered":    {"glrtr-canaryRunner", "a token that begins with glrtr- is no access token: "},
		"registration":  {"GR1348941canaryRunner", "a token that begins with GR1348941 is no access token: "},
		"a job's token": {"glcbt-canaryRunner", "a token that begins with glcbt- is no access token"},
		"deploy token":  {"gldt-canaryRunner", "a token that begins with gldt- is no access token"},
		"app's secret":  {"gloas-canaryRunner", "a token that begins with gloas- is no access token"},
		"feed token":    {"glft-canaryRunner", "a token that begins with glft- is no access token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, auth := range []runners.Auth{runners.PrivateToken(c.token), runners.Bearer(c.token)} {
				got, err := runners.New(gitlabURL, auth, nil)
				require.ErrorIs(t, err, runners.ErrInvalid)
				assert.Nil(t, got)
				assert.True(t, strings.HasPrefix(failure(t, err).Fields["token"][0], c.fault), err.Error())
				assert.Equal(t, strings.HasSuffix(c.fault, ": "), strings.HasSuffix(err.Error(), "go to the methods of Client.Tokens"))
				hides(t, "error", fmt.Sprintf("%v %+v %#v", err, err, err))
			}
		})
	}
}

// TestTokens_faults: the same for the tokens of Client.Tokens.
func TestTokens_faults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ token, fault string }{
		"empty":       {"", "runners: POST /runners/verify: token is empty"},
		"spaces":      {" canaryRunner", "runners: POST /runners/verify: token has surrounding whitespace"},
		"header":      {"canaryRunner\r\nX: 1", "runners: POST /runners/verify: token has a character that no token has"},
		"access":      {"glpat-canaryRunner", "runners: POST /runners/verify: token: a token that begins with glpat-"},
		"oauth":       {"gloas-canaryRunner", "runners: POST /runners/verify: token: a token that begins with gloas-"},
		"deploy":      {"gldt-canaryRunner", "runners: POST /runners/verify: token: a token that begins with gldt-"},
		"trigger":     {"glptt-canaryRunner", "runners: POST /runners/verify: token: a token that begins with glptt-"},
		"job's token": {"glcbt-canaryRunner", "runners: POST /runners/verify: token: a token that begins with glcbt-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(reply(200, `{}`))
			_, err := client(t, s, nil).Tokens.Verify(t.Context(), runners.NewToken(c.token), nil)
			require.ErrorIs(t, err, runners.ErrInvalid)
			assert.Contains(t, err.Error(), c.fault)
			hides(t, "error", fmt.Sprintf("%v %+v %#v", err, err, err))
			assert.Empty(t, s.requests())
		})
	}
}
