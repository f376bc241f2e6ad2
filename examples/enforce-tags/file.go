// The file that says how runners should be.

package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/seed-832548de/runners/fleet"
)

//go:embed runners.yaml
var readyMade []byte

// read reads the file; the ready-made one where none is named.
func read(file string) (*fleet.Desired, error) {
	text := readyMade
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	desired, err := fromYAML(text)
	if err == nil && len(desired.Runners) == 0 {
		err = errors.New("it names no runner")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(file, "runners.yaml"), err)
	}
	return desired, nil
}

// fromYAML goes by way of JSON, of which the library knows the names and where
// null means something. Names that it does not know are errors: a misspelt one
// must not mean that all is well. JSON is YAML, too.
func fromYAML(text []byte) (*fleet.Desired, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	return fleet.ReadDesired(bytes.NewReader(asJSON))
}
