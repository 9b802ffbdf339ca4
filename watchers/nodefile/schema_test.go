package nodefile

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nodedns/nodedns/zone"
)

const schemaPath = "../../docs/nodes.schema.json"

// The schema accepts exactly what has full effect, but for what is marked as
// beyond it.
func TestSchemaIsWhatIsParsed(t *testing.T) {
	t.Parallel()
	s := readSchema(t)
	for _, in := range jsonInputs {
		text := strings.TrimPrefix(in.text, "\ufeff")
		var value any
		if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &value) != nil {
			continue // no JSON, of which a schema states nothing
		}
		c, err := parse("x.json", []byte(in.text), zone.DefaultPrefix)
		good := err == nil && c.count == 0
		why := s.check(s.root, value)
		switch {
		case in.beyond && (good || why != nil):
			t.Errorf("%s: it is not beyond the schema: parsed as good %v, by the schema %v", in.name, good, why)
		case !in.beyond && good != (why == nil):
			t.Errorf("%s: parsed as good %v, by the schema %v", in.name, good, why)
		}
	}
}

// Its roles are those that there are.
func TestSchemaHasAllRoles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	var all zone.Roles = 0xff
	for _, role := range all.Names() {
		if !strings.Contains(string(text), fmt.Sprintf("%q", role)) {
			t.Errorf("%s is missing", role)
		}
	}
}

// schema is a JSON schema (draft 2020-12) with the few keywords that ours has.
type schema struct {
	t    *testing.T
	root map[string]any
}

func readSchema(t *testing.T) *schema {
	t.Helper()
	text, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	s := &schema{t: t}
	if err := json.Unmarshal(text, &s.root); err != nil {
		t.Fatal(err)
	}
	return s
}

// check returns why a value is not as a part of the schema has it.
func (s *schema) check(part map[string]any, value any) error {
	for keyword, wanted := range part {
		if err := s.keyword(keyword, wanted, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) keyword(keyword string, wanted, value any) error {
	list, _ := value.([]any)
	object, isObject := value.(map[string]any)
	text, isText := value.(string)
	ok := true
	switch keyword {
	case "$schema", "$defs", "title", "description":
	case "$ref":
		name := strings.TrimPrefix(wanted.(string), "#/$defs/")
		return s.check(s.root["$defs"].(map[string]any)[name].(map[string]any), value)
	case "type":
		ok = typeOf(value) == wanted
	case "items":
		for _, item := range list {
			if err := s.check(wanted.(map[string]any), item); err != nil {
				return err
			}
		}
	case "properties":
		for key, part := range wanted.(map[string]any) {
			if found, has := object[key]; has {
				if err := s.check(part.(map[string]any), found); err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
			}
		}
	case "required":
		for _, key := range wanted.([]any) {
			_, has := object[key.(string)]
			ok = ok && (has || !isObject)
		}
	case "additionalProperties":
		known := s.root["$defs"].(map[string]any)["node"].(map[string]any)["properties"].(map[string]any)
		for key := range object {
			ok = ok && known[key] != nil
		}
	case "anyOf":
		ok = slices.ContainsFunc(wanted.([]any), func(part any) bool { return s.check(part.(map[string]any), value) == nil })
	case "not":
		ok = s.check(wanted.(map[string]any), value) != nil
	case "enum":
		ok = slices.Contains(wanted.([]any), value)
	case "minItems":
		ok = list == nil || len(list) >= int(wanted.(float64))
	case "maxItems":
		ok = len(list) <= int(wanted.(float64))
	case "maxLength":
		ok = len(text) <= int(wanted.(float64))
	case "pattern":
		ok = !isText || regexp.MustCompile(wanted.(string)).MatchString(text)
	case "format":
		addr, err := netip.ParseAddr(text)
		ok = err == nil && addr.Zone() == "" && addr.Is4() == (wanted == "ipv4")
	default:
		s.t.Fatalf("the keyword %q is not known here", keyword)
	}
	if !ok {
		return fmt.Errorf("%v is not of %s %v", value, keyword, wanted)
	}
	return nil
}

func typeOf(value any) string {
	switch value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	}
	return "other"
}
