// What the host tells init.ts to make of the new namespaces: plain data, written to a file.

export interface Unit {
  name: string;
  program: string;
  argv: string[];
  env: Record<string, string>;
  /** Absolute path; stdout and stderr are appended to it. */
  log: string;
  /** A path that must exist before it is started. */
  after?: string;
}

export interface Plan {
  hostname: string;
  /** With the length of the prefix. */
  address: string;
  nameServer: string;
  folders: { varLib: string; varLog: string; masks: string };
  door: string;
  units: Unit[];
}
