// A cap of their own for requests that take the runtime no time: they wait for nobody, and crowd out nobody.
import { GatewayError } from './errors.ts';

export interface LightGate {
  /** Throws QueueFull. The returned function gives the place back; a second call does nothing. */
  enter(): () => void;
}

export function createLightGate(places: number): LightGate {
  let taken = 0;
  return {
    enter() {
      if (taken >= places)
        throw new GatewayError('QueueFull', `more than ${places} such requests at once; try again in 1 s`, {
          retryAfterSeconds: 1,
        });
      taken++;
      let held = true;
      return () => {
        if (held) taken--;
        held = false;
      };
    },
  };
}
