package mmoe

import (
	"bufio"
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// vectors are the test vectors of all languages (tests/vectors/make_vectors.py), in the folder MMOE_VECTORS.
type vectors struct {
	model    *Model
	path     string
	floats   map[string][]float32
	settings [][]string
}

func load(t *testing.T, name string) *vectors {
	folder := os.Getenv("MMOE_VECTORS")
	if folder == "" {
		t.Skip("MMOE_VECTORS does not name the folder of the test vectors")
	}
	found := &vectors{path: filepath.Join(folder, name), floats: map[string][]float32{}}
	var err error
	found.model, err = Map(found.path)
	must(t, err)
	t.Cleanup(found.model.Close)
	text, err := os.ReadFile(filepath.Join(folder, "vectors.tsv"))
	must(t, err)
	here := false
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		words := strings.Split(lines.Text(), "\t")
		switch words[0] {
		case "model":
			here = words[1] == name
		case "x", "gates", "scores", "candidates":
			if here {
				found.floats[words[0]] = floatsOf(t, words[1:])
			}
		default:
			if here {
				found.settings = append(found.settings, words)
			}
		}
	}
	must(t, lines.Err())
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, status int) {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) || failure.Status != status {
		t.Fatalf("%v, expected status %d", err, status)
	}
}

func floatsOf(t *testing.T, words []string) []float32 {
	values := make([]float32, len(words))
	for i, word := range words {
		bits, err := strconv.ParseUint(word, 16, 32)
		must(t, err)
		values[i] = math.Float32frombits(uint32(bits))
	}
	return values
}

func sameBits(t *testing.T, wanted, found []float32) {
	t.Helper()
	if len(wanted) != len(found) {
		t.Fatalf("%d floats, expected %d", len(found), len(wanted))
	}
	for i := range wanted {
		if math.Float32bits(wanted[i]) != math.Float32bits(found[i]) {
			t.Fatalf("float %d: %v, expected %v", i, found[i], wanted[i])
		}
	}
}

func (v *vectors) fill(t *testing.T, rows *Rows, numRows int, sides ...int) {
	side := map[string]int{}
	for _, feature := range v.model.Features {
		side[feature.Name] = feature.Side
	}
	for _, words := range v.settings {
		row, err := strconv.Atoi(words[1])
		must(t, err)
		for _, wanted := range sides {
			if row < numRows && side[words[2]] == wanted {
				must(t, set(t, rows, words[0], row, words[2], words[3:]))
			}
		}
	}
}

func set(t *testing.T, rows *Rows, word string, row int, feature string, values []string) error {
	numbers, integers := make([]float64, len(values)), make([]int64, len(values))
	for i, value := range values {
		numbers[i], _ = strconv.ParseFloat(value, 64)
		integers[i], _ = strconv.ParseInt(value, 10, 64)
	}
	switch word {
	case "missing":
		return rows.SetMissing(row, feature)
	case "number":
		return rows.SetNumber(row, feature, numbers[0])
	case "integer":
		return rows.SetInteger(row, feature, integers[0])
	case "text":
		return rows.SetText(row, feature, values[0])
	case "numbers":
		return rows.SetNumbers(row, feature, numbers)
	case "integers":
		return rows.SetIntegers(row, feature, integers)
	case "texts":
		return rows.SetTexts(row, feature, values)
	case "weights":
		return rows.SetWeights(row, feature, numbers)
	}
	t.Fatal("what is ", word)
	return nil
}

func TestXGivesTheBitsOfMmoeScore(t *testing.T) {
	v := load(t, "plain.mmoe")
	pool, err := NewThreadPool(2)
	must(t, err)
	for _, options := range []Options{{}, {MaxBatch: 200}, {MaxBatch: 200, Threads: pool}, {KernelSet: "scalar"}} {
		session, err := v.model.NewSession(options)
		must(t, err)
		if options.Threads != nil {
			pool.Close() // it lives as long as the session
			pool.Close()
		}
		scores := make([]float32, len(v.floats["scores"]))
		gates := make([]float32, len(v.floats["gates"]))
		must(t, session.ScoreWithGates(v.floats["x"], scores, gates))
		sameBits(t, v.floats["scores"], scores)
		sameBits(t, v.floats["gates"], gates)
		session.Close()
		if options.Threads != nil && (pool.users != 0 || pool.handle != nil) {
			t.Fatal("the pool of threads outlives its session")
		}
	}
	if _, err := v.model.NewSession(Options{Threads: pool}); err != ErrClosed {
		t.Fatal(err)
	}
	if v.model.users != 1 {
		t.Fatal(v.model.users)
	}
}

func TestRowsByNameGiveTheBitsOfMmoeScore(t *testing.T) {
	v := load(t, "raw.mmoe")
	session, err := v.model.NewSession(Options{MaxBatch: 3})
	must(t, err)
	defer session.Close()
	scores := make([]float32, 6)
	rows, err := v.model.NewRows(3, Whole)
	must(t, err)
	defer rows.Close()
	v.fill(t, rows, 3, 0, 1, 2)
	must(t, session.ScoreRows(rows, scores))
	sameBits(t, v.floats["scores"], scores)
	user, err := v.model.NewRows(1, User)
	must(t, err)
	defer user.Close()
	items, err := v.model.NewRows(3, Candidate)
	must(t, err)
	defer items.Close()
	v.fill(t, user, 1, 0, 1)
	v.fill(t, items, 3, 2)
	must(t, session.SetUserRows(user))
	must(t, session.ScoreRows(items, scores))
	sameBits(t, v.floats["candidates"], scores)
}

func TestXOfAUserAndOfCandidates(t *testing.T) {
	v := load(t, "raw.mmoe")
	session, err := v.model.NewSession(Options{})
	must(t, err)
	defer session.Close()
	x := make([]float32, v.model.InputDim)
	for i := range x {
		x[i] = 0.1*float32(i) - 0.5
	}
	var user, item []float32
	for _, feature := range v.model.Features {
		columns := x[feature.Column : feature.Column+feature.Width]
		if feature.Side == 2 {
			item = append(item, columns...)
		} else {
			user = append(user, columns...)
		}
	}
	if len(user) != v.model.UserDim || len(item) != v.model.CandidateDim {
		t.Fatal(len(user), len(item))
	}
	wanted, found := make([]float32, 2), make([]float32, 2)
	must(t, session.Score(x, wanted))
	must(t, session.SetUser(user))
	must(t, session.ScoreCandidates(item, found))
	sameBits(t, wanted, found)
	refused(t, session.SetUser(x), 8)
}

func TestAModelOutlivesItsClose(t *testing.T) {
	v := load(t, "raw.mmoe")
	bytes, err := os.ReadFile(v.path)
	must(t, err)
	model, err := FromBytes(bytes)
	must(t, err)
	must(t, model.VerifyChecksums())
	if model.Name != "test" || strings.Join(model.Tasks, ",") != "click,like" || Version() != "0.1.0" {
		t.Fatal(model.Name, model.Tasks, Version())
	}
	session, err := model.NewSession(Options{Tasks: []uint32{1}})
	must(t, err)
	model.Close()
	model.Close()
	if _, err := model.NewRows(1, Whole); err != ErrClosed {
		t.Fatal(err)
	}
	if _, err := model.NewSession(Options{}); err != ErrClosed {
		t.Fatal(err)
	}
	if session.NumScores != 1 || session.KernelSet == "" {
		t.Fatal(session.NumScores, session.KernelSet)
	}
	rows, wrong, err := session.ReplayGolden()
	must(t, err)
	if rows == 0 || wrong != 0 {
		t.Fatal(rows, wrong)
	}
	session.Close()
	session.Close()
	if err := session.Score(nil, nil); err != ErrClosed {
		t.Fatal(err)
	}
}

func TestWhatIsWrongIsRefused(t *testing.T) {
	v := load(t, "raw.mmoe")
	dim := v.model.InputDim
	session, err := v.model.NewSession(Options{RefuseNonFinite: true})
	must(t, err)
	defer session.Close()
	scores := make([]float32, 2)
	refused(t, session.Score(make([]float32, dim+1), scores), 8)
	refused(t, session.Score(make([]float32, dim), scores[:1]), 8)
	refused(t, session.ScoreCandidates(make([]float32, 9), scores), 8)
	x := make([]float32, dim)
	x[0] = float32(math.NaN())
	refused(t, session.Score(x, scores), 11)
	must(t, session.Score(nil, nil))
	rows, err := v.model.NewRows(1, Whole)
	must(t, err)
	err = rows.SetNumber(0, "colour", 1)
	refused(t, err, 8)
	if !strings.Contains(err.Error(), "colour") || session.ScoreRows(rows, scores).Error() != err.Error() {
		t.Fatal(err)
	}
	must(t, rows.Clear(1))
	refused(t, rows.SetInteger(0, "brand", 4), 12)
	refused(t, rows.Clear(2), 8)
	rows.Close()
	if rows.SetNumber(0, "age", 1) != ErrClosed || session.ScoreRows(rows, scores) != ErrClosed {
		t.Fatal("closed rows")
	}
	_, err = Map("no/such.mmoe")
	refused(t, err, 1)
	_, err = FromBytes(make([]byte, 1000))
	refused(t, err, 2)
	_, err = FromBytes(nil)
	if err == nil {
		t.Fatal("no bytes")
	}
	if _, err := v.model.NewSession(Options{KernelSet: "scalar\x00"}); err == nil {
		t.Fatal("a name does not end at a null character")
	}
	_, err = v.model.NewSession(Options{KernelSet: "abacus"})
	if err == nil {
		t.Fatal("abacus")
	}
	_, err = NewThreadPool(0)
	refused(t, err, 8)
	_, err = v.model.NewRows(0, Whole)
	refused(t, err, 8)
}

func TestNegativeRowsAndTextsOfMoreThan2GiB(t *testing.T) {
	v := load(t, "raw.mmoe")
	session, err := v.model.NewSession(Options{})
	must(t, err)
	defer session.Close()
	rows, err := v.model.NewRows(1, Whole)
	must(t, err)
	defer rows.Close()
	scores := make([]float32, 2)
	stays := func(err error, message string) {
		t.Helper()
		refused(t, err, 8)
		if err.Error() != message || rows.SetNumber(0, "age", 39) != err || session.ScoreRows(rows, scores) != err ||
			session.SetUserRows(rows) != err {
			t.Fatal(err)
		}
		must(t, rows.Clear(1))
		must(t, rows.SetNumber(0, "age", 39))
	}
	stays(rows.SetNumber(-1, "age", 39), `feature "age", row -1: expected 0 or more`)
	stays(rows.SetTexts(-2, "tags", nil), `feature "tags", row -2: expected 0 or more`)
	stays(rows.Clear(-3), "clear: -3 rows, expected 0 or more")
	text := strings.Repeat("x", 1<<20)
	texts := make([]string, 2048)
	for i := range texts {
		texts[i] = text
	}
	stays(rows.SetTexts(0, "tags", texts), `feature "tags", row 0: texts of more than 2 GiB`)
	first := rows.SetNumber(0, "colour", 1)
	if err := rows.SetNumber(-1, "age", 39); err.Error() != first.Error() {
		t.Fatal(err)
	}
}

func TestCategoriesOfAVocabularyAreListed(t *testing.T) {
	model := load(t, "raw.mmoe").model
	listed := func(feature, expected int) map[Category]bool {
		t.Helper()
		count, err := model.NumCategories(feature)
		must(t, err)
		if count != expected {
			t.Fatal(feature, count)
		}
		found := map[Category]bool{}
		for place := 0; place < count; place++ {
			category, err := model.Category(feature, place)
			must(t, err)
			found[category] = true
		}
		return found
	}
	countries := listed(1, 4)
	for i, name := range []string{"AT", "BR", "US", "Côte"} {
		if !countries[Category{Text: name, ID: i + 1}] {
			t.Fatal(name, countries)
		}
	}
	if brands := listed(4, 3); !brands[Category{Integer: 1 << 40, ID: 2}] || !brands[Category{Integer: 3}] {
		t.Fatal(brands)
	}
	for feature, expected := range map[int]int{-1: 0, 0: 0, 2: 20, 6: 0, 7: 0} {
		listed(feature, expected)
	}
	for _, place := range []int{-1, 3} {
		_, err := model.Category(4, place)
		refused(t, err, 8)
	}
	_, err := model.Category(-1, 0)
	refused(t, err, 8)
}

func TestNamesDoNotEndAtANullCharacter(t *testing.T) {
	v := load(t, "raw.mmoe")
	_, err := Map(v.path + "\x00.png")
	refused(t, err, 1)
	rows, err := v.model.NewRows(1, Whole)
	must(t, err)
	defer rows.Close()
	refused(t, rows.SetNumber(0, "age\x00", 39), 8)
	refused(t, rows.SetNumber(0, "age", 39), 8) // the error stays
}

func TestAModelIsFreedOnceWhateverTheOrder(t *testing.T) {
	path := load(t, "plain.mmoe").path
	for i := 0; i < 5000; i++ {
		model, err := Map(path)
		must(t, err)
		var group sync.WaitGroup
		for j := 0; j < 3; j++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for k := 0; k < 12; k++ {
					if model.retain() == nil {
						model.release()
					}
				}
			}()
		}
		model.Close()
		group.Wait()
		if model.users != 0 || model.handle != nil {
			t.Fatal(model.users)
		}
	}
}

func TestGoroutinesShareAModel(t *testing.T) {
	v := load(t, "plain.mmoe")
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			session, err := v.model.NewSession(Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer session.Close()
			scores := make([]float32, len(v.floats["scores"]))
			if err := session.Score(v.floats["x"], scores); err != nil {
				t.Error(err)
			}
			for j := range scores {
				if math.Float32bits(scores[j]) != math.Float32bits(v.floats["scores"][j]) {
					t.Error(j, scores[j])
					break
				}
			}
		}()
	}
	group.Wait()
}
