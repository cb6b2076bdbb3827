// The dashboards by the name of their file.
import { fleetDashboard } from './fleetDashboard.ts';
import { modelDashboard } from './modelDashboard.ts';
import { operatorDashboard } from './operatorDashboard.ts';
import type { Dashboard } from './panels.ts';

export const dashboards: Readonly<Record<string, Dashboard>> = {
  fleet: fleetDashboard,
  model: modelDashboard,
  operator: operatorDashboard,
};

/** Every expression of a dashboard. */
export const expressionsOf = ({ rows }: Dashboard): string[] =>
  rows.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)));
