// The evaluators of an operator's market, as one of them sees them: keeps its mesh with the others from clearing to
// clearing, and forms a new one where a setting goes on without an evaluator that has failed.
import { ChannelError } from "../channel/channel.ts";
import { LIMITS } from "../platform/limits.ts";
import { activeCount, type Setting, toleratesCrashes } from "../wire/setting.ts";
import type { Mesh } from "./mesh.ts";
import { type Address, formMesh, type MeshTools, TooFewEvaluatorsError } from "./mesh-forming.ts";

/** Ways in which a link ends when the other side crashed; others mean that somebody broke the protocol. */
const CRASH_CODES: ReadonlySet<string> = new Set([
  "peer-closed",
  "peer-silent",
  "closed",
  "unreachable",
]);

/** Whether an error says no more than that some evaluator has gone. */
export const isCrash = (error: unknown): error is ChannelError =>
  error instanceof ChannelError && CRASH_CODES.has(error.code);

export interface GroupTools extends MeshTools {
  /** How long evaluators that go on without a failed one wait for each other. */
  readonly rejoinMs: number;
}

export class EvaluatorGroup {
  /** The addresses of each; none of one that is known not to be there. */
  readonly evaluators: readonly (readonly Address[])[];
  private readonly tools: GroupTools;
  private mesh: Mesh | null = null;

  constructor(tools: GroupTools, evaluators: readonly (Address | null)[]) {
    this.tools = tools;
    this.evaluators = evaluators.map((address) => (address === null ? [] : [address]));
  }

  get party(): number {
    return this.tools.party;
  }

  /** Links up for the first time. Who is missing is waited for as long as everybody is needed, else less. */
  async gather(quorum: number, signal: AbortSignal): Promise<void> {
    const spare = this.evaluators.length - quorum;
    const limitMs = spare > 0 ? this.tools.rejoinMs : LIMITS.connectDeadlineMs;
    const purpose = { clearing: 0, attempt: 1, quorum, limitMs, signal };
    for (let failed = 0; ; failed++) {
      try {
        this.mesh = await formMesh(this.tools, this.evaluators, purpose);
        return;
      } catch (error) {
        // Each evaluator that can be spared may end while they agree.
        if (!isCrash(error) || failed >= spare || signal.aborted) throw error;
      }
    }
  }

  /** The mesh for an attempt: the one that there is, unless it is broken and the setting can do without someone. */
  async meshFor(
    setting: Setting,
    clearing: number,
    attempt: number,
    signal: AbortSignal,
  ): Promise<Mesh> {
    const quorum = activeCount(setting);
    if (!this.mesh?.intact && (toleratesCrashes(setting) || this.mesh === null)) {
      this.leave();
      const { rejoinMs: limitMs } = this.tools;
      const purpose = { clearing, attempt, quorum, limitMs, signal };
      this.mesh = await formMesh(this.tools, this.evaluators, purpose);
    }
    const { members } = this.mesh!;
    if (members.length < quorum) {
      const message = `${quorum} evaluators are needed and only ${members.length} are there`;
      throw new TooFewEvaluatorsError(message);
    }
    return this.mesh!;
  }

  /** Ends all links with the others. */
  leave(): void {
    this.mesh?.close();
    this.mesh = null;
  }
}
