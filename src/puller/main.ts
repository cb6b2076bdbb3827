// The pull of Ollama models as a process. The only file of the puller that touches `process`.
import { helpText } from './help.ts';
import { runPull } from './program.ts';
import { pull } from './pull.ts';

/** Timers of the clock keep no process alive, and while a pull waits to try again there is nothing else that would. */
const stayAlive = (): void => void setInterval(() => undefined, 3_600_000);

if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
  process.stdout.write(helpText());
} else {
  stayAlive();
  // By its code at once: a connection that lingers, or a file system that hangs, must not hold up the pod.
  process.exit(await runPull(process, pull));
}
