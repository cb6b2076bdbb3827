// Which variant a name means on the device of this pod. Never one for another device: that would run, slowly and unnoticed.
import { PullError } from '../models/errors.ts';
import { variantOf } from '../runtimes/foundryVariant.ts';
import type { CatalogVariant } from './core.ts';
import type { Provider } from './providers.ts';

/** Letters that make a folder and an id; a name with others is of no variant and could lead out of the store. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}(:\d{1,9})?$/;

/** For messages: a name comes from people and may be of any length. */
const quoted = (text: string) => JSON.stringify(text.length > 100 ? `${text.slice(0, 99)}…` : text);

/** Throws a PullError: InvalidReference for what can be no name, WrongDevice where the name itself tells another device. */
export function refuseByName(reference: string, provider: Provider | undefined): void {
  if (!ID.test(reference))
    throw new PullError(
      'InvalidReference',
      `${quoted(reference)} is no alias or variant id of Foundry Local: those are letters, digits, dots, _ and -, without a publisher`,
    );
  const named = variantOf(reference)?.class;
  if (provider && named && named !== provider.device)
    throw new PullError(
      'WrongDevice',
      `${reference} is a variant for ${named}, and this rung is ${provider.device}; give the rung a variant for ${provider.device}, or the alias`,
    );
}

const MAX_NAMED = 8;

function listed(names: readonly string[]): string {
  const shown = [...new Set(names)].slice(0, MAX_NAMED).join(', ');
  return names.length > MAX_NAMED ? `${shown} and more` : shown;
}

/** The device counts and, where both sides say it, the way to it: a GPU has several that exclude each other. */
const fits = ({ device, provider: own }: CatalogVariant, provider: Provider | undefined): boolean =>
  !provider ||
  ((device ?? provider.device) === provider.device &&
    (own ?? provider.executionProvider) === provider.executionProvider);

/** The core sorts by its preference among devices, which is not asked here; of one name the newest is meant. */
function newest(variants: readonly CatalogVariant[]): CatalogVariant | undefined {
  const [first] = variants;
  return variants.filter(({ name }) => name === first?.name).sort((a, b) => b.version - a.version)[0];
}

/**
 * The variant that `reference` (an id, an id without version, or an alias) means. Throws a PullError: NotFound with what there is,
 * WrongDevice with the variants for others.
 */
export function chooseVariant(
  reference: string,
  variants: readonly CatalogVariant[],
  provider: Provider | undefined,
): CatalogVariant {
  const meant = variants.filter(({ id, name, alias }) => reference === id || reference === name || reference === alias);
  const chosen = newest(meant.filter((variant) => fits(variant, provider)));
  if (chosen) return chosen;
  if (meant.length > 0)
    throw new PullError(
      'WrongDevice',
      `${reference} has no variant for ${provider?.device} (${provider?.executionProvider}); there is ${listed(meant.map(({ id }) => id))}`,
    );
  const aliases = variants.map(({ alias }) => alias);
  const hint = aliases.length > 0 ? `it has ${listed(aliases)}` : 'it lists nothing for the devices of this pod';
  throw new PullError('NotFound', `the catalog has no ${reference}; ${hint}`);
}
