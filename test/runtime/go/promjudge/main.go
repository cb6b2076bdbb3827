// Judges alerts and queries with Prometheus' own code: it parses them, and plays made-up series against the alerts. What is asked
// comes as JSON on stdin, what was found goes as JSON to stdout.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

type play struct {
	// In the notation of promqltest: "load 1m", then a series per line.
	Series string `json:"series"`
	// The alerts are told as they stand then, with rules evaluated once a minute.
	UntilSeconds int64 `json:"untilSeconds"`
	// Queries that are answered then.
	Asks []string `json:"asks"`
}

type question struct {
	// Path of a file of rules.
	Rules   string   `json:"rules"`
	Queries []string `json:"queries"`
	Plays   []play   `json:"plays"`
}

type firing struct {
	Alert       string            `json:"alert"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

type ending struct {
	Firing []firing `json:"firing"`
	// By query: how many series the answer has.
	Answers []int `json:"answers"`
}

type verdict struct {
	Problems []string `json:"problems"`
	Plays    []ending `json:"plays"`
}

const everyMinute = time.Minute

// Rules are evaluated no longer than this before the end: no alert of ours waits for so long.
const lastHours = 150 * time.Minute

var quiet = slog.New(slog.DiscardHandler)

func problemsOf(asked question, promql parser.Parser) []string {
	problems := []string{}
	_, errs := rulefmt.ParseFile(asked.Rules, false, model.UTF8Validation, promql, quiet)
	for _, err := range errs {
		problems = append(problems, err.Error())
	}
	for _, query := range asked.Queries {
		if _, err := promql.ParseExpr(query); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", query, err))
		}
	}
	return problems
}

func groupsOf(file string, world *promqltest.LazyLoader, promql parser.Parser) ([]*rules.Group, error) {
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:    rules.EngineQueryFunc(world.QueryEngine(), world.Storage()),
		AppendableV2: world.Storage(),
		Context:      context.Background(),
		NotifyFunc:   func(context.Context, string, ...*rules.Alert) {},
		Logger:       quiet,
		Parser:       promql,
	})
	byName, errs := manager.LoadGroups(everyMinute, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	groups := make([]*rules.Group, 0, len(byName))
	for _, group := range byName {
		groups = append(groups, group)
	}
	return groups, nil
}

// evaluate runs every rule as of one moment, with the samples up to it.
func evaluate(world *promqltest.LazyLoader, groups []*rules.Group, at time.Time) (failed error) {
	world.WithSamplesTill(at, func(err error) {
		if err != nil {
			failed = err
			return
		}
		for _, group := range groups {
			group.Eval(world.Context(), at)
			for _, rule := range group.Rules() {
				if err := rule.LastError(); err != nil {
					failed = errors.Join(failed, fmt.Errorf("%s at %s: %w", rule.Name(), at.UTC().Format(time.RFC3339), err))
				}
			}
		}
	})
	return failed
}

func firingIn(groups []*rules.Group) []firing {
	found := []firing{}
	for _, group := range groups {
		for _, rule := range group.AlertingRules() {
			for _, alert := range rule.ActiveAlerts() {
				if alert.State == rules.StateFiring {
					found = append(found, firing{rule.Name(), alert.Labels.Map(), alert.Annotations.Map()})
				}
			}
		}
	}
	return found
}

func answersOf(world *promqltest.LazyLoader, queries []string, at time.Time) ([]int, error) {
	answers := []int{}
	for _, text := range queries {
		query, err := world.QueryEngine().NewInstantQuery(world.Context(), world.Queryable(), nil, text, at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		result := query.Exec(world.Context())
		if result.Err != nil {
			return nil, fmt.Errorf("%s: %w", text, result.Err)
		}
		vector, err := result.Vector()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		answers = append(answers, len(vector))
		query.Close()
	}
	return answers, nil
}

func perform(file string, scene play, promql parser.Parser) (*ending, error) {
	options := promqltest.LazyLoaderOpts{EnableAtModifier: true, EnableNegativeOffset: true, Parser: promql}
	world, err := promqltest.NewLazyLoader(scene.Series, options)
	if err != nil {
		return nil, err
	}
	defer world.Close()
	groups, err := groupsOf(file, world, promql)
	if err != nil {
		return nil, err
	}
	start := time.Unix(0, 0).UTC()
	end := start.Add(time.Duration(scene.UntilSeconds) * time.Second)
	first := start
	if begin := end.Add(-lastHours); begin.After(start) {
		first = begin
	}
	for at := first; !at.After(end); at = at.Add(everyMinute) {
		if err := evaluate(world, groups, at); err != nil {
			return nil, err
		}
	}
	answers, err := answersOf(world, scene.Asks, end)
	if err != nil {
		return nil, err
	}
	return &ending{firingIn(groups), answers}, nil
}

func judge() error {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	promql := parser.NewParser(parser.Options{})
	found := verdict{Problems: problemsOf(asked, promql), Plays: []ending{}}
	for index, scene := range asked.Plays {
		outcome, err := perform(asked.Rules, scene, promql)
		if err != nil {
			return fmt.Errorf("play %d: %w", index, err)
		}
		found.Plays = append(found.Plays, *outcome)
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func main() {
	if err := judge(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
