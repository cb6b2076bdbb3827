#!/usr/bin/env node
// The process of lmd: arguments and signals in, exit code out.
import { homedir } from 'node:os';
import { systemClock } from '../process/clock.ts';
import { lmd } from './lmd.ts';

const stop = new AbortController();
/** Only the first is ours: a second Ctrl-C ends the process at once. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

process.exitCode = await lmd(process.argv.slice(2), {
  env: process.env,
  home: homedir(),
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  signal: stop.signal,
});
