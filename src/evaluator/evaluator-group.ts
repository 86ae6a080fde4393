// The evaluators of an operator's market, as one of them sees them: keeps its mesh with the others from clearing to
// clearing, and forms a new one where a setting goes on without an evaluator that has failed.
import { LIMITS } from "../platform/limits.ts";
import { activeCount, type Setting, toleratesCrashes } from "../wire/setting.ts";
import type { Mesh } from "./mesh.ts";
import { type Address, formMesh, type MeshTools, TooFewEvaluatorsError } from "./mesh-forming.ts";

export interface GroupTools extends MeshTools {
  /** How long evaluators that go on without a failed one wait for each other. */
  readonly rejoinMs: number;
}

export class EvaluatorGroup {
  readonly evaluators: readonly (Address | null)[];
  private readonly tools: GroupTools;
  private mesh: Mesh | null = null;

  constructor(tools: GroupTools, evaluators: readonly (Address | null)[]) {
    this.tools = tools;
    this.evaluators = evaluators;
  }

  get party(): number {
    return this.tools.party;
  }

  /** Links up for the first time. Who is missing is waited for as long as everybody is needed, else less. */
  async gather(quorum: number, signal: AbortSignal): Promise<void> {
    const { rejoinMs } = this.tools;
    const limitMs = quorum < this.evaluators.length ? rejoinMs : LIMITS.connectDeadlineMs;
    const purpose = { clearing: 0, attempt: 1, quorum, limitMs, signal };
    this.mesh = await formMesh(this.tools, this.evaluators, purpose);
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
