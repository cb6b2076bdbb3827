// What this release is called: package.json says it once, for programs, image and chart; a bundle carries it along.
import packageJson from '../../package.json' with { type: 'json' };

export interface Release {
  readonly name: string;
  readonly version: string;
  readonly description: string;
}

export const release: Release = packageJson;
