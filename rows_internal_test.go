package runners

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rowTexts are lists of runners, in order and not.
var rowTexts = []string{
	`[]`, `[{}]`, ` [ { "id" : 1 , "description" : "a" } , {"id":2} ] `,
	`[{"id":6,"description":"é","ip_address":"","active":true,"paused":false,"is_shared":true,` +
		`"runner_type":"instance_type","name":null,"online":null,"created_by":{"id":1,"username":"root",` +
		`"public_email":"","name":"Administrator","state":"active","locked":false,"avatar_url":null,` +
		`"web_url":"https://gitlab.example.com/root"},"created_at":"2025-05-03T00:00:00.000Z",` +
		`"status":"online","job_execution_status":"idle"}]`,
	`[{"id":6,"created_by":null,"created_at":null,"paused":null,"status":"new","new":7,"newer":"x","newest":true}]`,
	`[{"id":6,"new":{"id":7}}]`, `[{"id":6,"id":7}]`, `[{"id":01}]`, `[{"id":-1}]`, `[{"id":1e2}]`, `[{"id":""}]`,
	`[{"id":9223372036854775807}]`, `[{"id":99999999999999999999}]`, `[{"ID":6}]`, `[{"Paused":true}]`,
	`[{"description":"a\u0062"}]`, "[{\"description\":\"\xff\"}]", "[{\"description\":\"\n\"}]", `[{"description":1}]`,
	`[{"created_by":{"id":1,"bio":"x"}}]`, `[{"created_by":{"id":1},"created_by":{"name":"x"}}]`,
	`[{"created_at":"yesterday"}]`, `[{"created_at":"2025-05-03T00:00:00+02:00"}]`, `[null]`, `[1]`, `null`, `{}`, ``,
	`[`, `[{`, `[{"id"`, `[{"id":`, `[{"id":1`, `[{"id":1}`, `[{"id":1},]`, `[{"id":1,}]`, `[{"id":1}]]`, `[{"id":1}{"id":2}]`,
	`[{"a`, `[{"paused":"true"}]`, `[{"paused":truefalse}]`, `[{"new":nullx}]`, `[{"kelvin":1}]`,
}

// FuzzParseRunners holds rows that are read without reflection against those
// that encoding/json reads.
func FuzzParseRunners(f *testing.F) {
	for _, text := range rowTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, ok := parseRunners(text)
		if !ok {
			return
		}
		var want []Runner
		require.NoError(t, json.Unmarshal(text, &want))
		assert.Equal(t, want, rows)
	})
}

// TestParseRunners: the documented lists need no reflection, in any version.
func TestParseRunners(t *testing.T) {
	t.Parallel()
	var files []string
	for _, name := range []string{"runners", "runners_all", "project_runners", "group_runners"} {
		found, err := filepath.Glob(filepath.Join("testdata", "*", name+".json"))
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		rows, ok := parseRunners(text)
		assert.True(t, ok, file)
		var want []Runner
		require.NoError(t, json.Unmarshal(text, &want))
		assert.Equal(t, want, rows, file)
	}
	for text, want := range map[string]bool{rowTexts[3]: true, rowTexts[4]: true, `[{"new":{}}]`: false, `[{"id":1e2}]`: false} {
		_, ok := parseRunners([]byte(text))
		assert.Equal(t, want, ok, text)
	}
}

// TestParseRunners_apart: no row shares what it points to with another.
func TestParseRunners_apart(t *testing.T) {
	t.Parallel()
	rows, ok := parseRunners([]byte(`[{"paused":true,"online":true},{"paused":true,"online":true},{"paused":true}]`))
	require.True(t, ok)
	*rows[0].Paused, *rows[1].Online = false, false
	assert.Equal(t, []bool{true, true, true}, []bool{*rows[0].Online, *rows[1].Paused, *rows[2].Paused})
}
