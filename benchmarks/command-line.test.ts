import { expect, test } from 'vitest';
import { readRequest } from './command-line.ts';
import { SCENARIOS } from './scenarios/scenarios.ts';
import { SYSTEMS } from './systems.ts';

test('without arguments everything is run', () => {
  expect(readRequest([])).toEqual({
    scenarioIds: SCENARIOS.map(({ id }) => id),
    systemIds: [],
    isQuick: false,
    isPageOnly: false,
  });
});

test('scenarios and systems can be chosen', () => {
  const request = readRequest(['--quick', '--scenario', 'drain,idle', '--system', 'monque,loop']);
  expect(request.scenarioIds).toEqual(['drain', 'idle']);
  expect(request.systemIds).toEqual(['monque', 'loop']);
  expect(request.isQuick).toBe(true);
});

test('an unknown name is answered with those there are', () => {
  expect(() => readRequest(['--scenario', 'drian'])).toThrow(
    /^Expected a scenario of rates, .*'drian'$/,
  );
  expect(() => readRequest(['--system', 'monk'])).toThrow(
    /^Expected a system of monque, .*'monk'$/,
  );
});

test('no two systems and no two rows of a scenario share a name', () => {
  expect(new Set(SYSTEMS.map(({ id }) => id)).size).toBe(SYSTEMS.length);
  expect(new Set(SYSTEMS.map(({ label }) => label)).size).toBe(SYSTEMS.length);
  for (const { cases } of SCENARIOS) {
    const rows = cases.map(({ system, variant }) => `${system.id} ${variant}`);
    expect(new Set(rows).size).toBe(rows.length);
  }
});

test('every scenario draws a figure that it has', () => {
  for (const { chart, figures } of SCENARIOS)
    expect(figures.map(({ key }) => key)).toContain(chart);
});
