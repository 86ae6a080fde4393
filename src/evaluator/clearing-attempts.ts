// The attempts at one clearing at one evaluator. The first one mostly is the last; when an evaluator fails and the
// setting can do without it, those that are left begin again from the orders' shares, with fresh keys.
import { ChannelError } from "../channel/channel.ts";
import { AbortError } from "../mpc/abort.ts";
import { messageOf } from "../platform/errors.ts";
import type { ClearCommand } from "../wire/session-messages.ts";
import { activeCount, toleratesCrashes } from "../wire/setting.ts";
import { runClearing, type SessionResult, type SessionTools } from "./clearing-session.ts";
import { chooseActive } from "./engine-sessions.ts";
import { type EvaluatorGroup, isCrash } from "./evaluator-group.ts";
import type { Mesh } from "./mesh.ts";
import type { OrderIntake } from "./order-intake.ts";

export interface AttemptResult {
  readonly attempt: number;
  readonly active: readonly number[];
  readonly result: SessionResult;
}

export interface AttemptTools extends Omit<SessionTools, "onPhase"> {
  readonly onPhase: (phase: "offline" | "online", attempt: number) => void;
  readonly onResult: (result: AttemptResult) => void;
  /** An event for the log. */
  readonly onEvent: (event: string, details: Readonly<Record<string, unknown>>) => void;
}

export class ClearingAttempts {
  /** Ends when there is nothing more to do, or with the reason why it cannot go on. */
  readonly ended: Promise<void>;
  private readonly tools: AttemptTools;
  private readonly group: EvaluatorGroup;
  private readonly command: ClearCommand;
  private readonly orders: OrderIntake;
  /** How many clearings the operator has asked for. */
  private readonly clearing: number;
  private readonly stop = new AbortController();
  private computing: Mesh | null = null;
  private anyResult = false;

  constructor(
    tools: AttemptTools,
    group: EvaluatorGroup,
    command: ClearCommand,
    orders: OrderIntake,
    clearing: number,
  ) {
    this.tools = tools;
    this.group = group;
    this.command = command;
    this.orders = orders;
    this.clearing = clearing;
    this.ended = this.run();
    this.ended.catch(() => {}); // Looked at when the operator's next command has come.
  }

  /** Whether some attempt was completed here. */
  get hasResult(): boolean {
    return this.anyResult;
  }

  /** Ends an attempt that is under way and waits until it has; a mesh that nobody computes in stays. */
  async abandon(): Promise<void> {
    this.stop.abort(new ChannelError("closed", "the clearing was given up"));
    this.computing?.close();
    await this.ended.catch(() => {});
    this.orders.free();
  }

  private async run(): Promise<void> {
    const { setting } = this.command;
    const tolerant = toleratesCrashes(setting);
    // One for every evaluator that may fail, and as many for links that fail without one.
    const most = 1 + 2 * (setting.parties - activeCount(setting));
    let attempt = 1;
    for (let tries = 1; ; tries++) {
      try {
        const mesh = await this.group.meshFor(setting, this.clearing, attempt, this.stop.signal);
        attempt = Math.max(attempt, mesh.attempt);
        await this.runAttempt(mesh, attempt);
        if (!tolerant) return;
        await this.brokenOrStopped(mesh);
      } catch (error) {
        this.group.leave();
        if (this.stop.signal.aborted) return;
        if (isLie(error)) this.tools.onEvent("abort", { attempt, setting, what: messageOf(error) });
        if (!tolerant || !isCrash(error) || tries === most) throw error;
        this.tools.onEvent("attempt failed", { attempt, what: error.message });
      }
      if (this.stop.signal.aborted) return;
      attempt += 1;
    }
  }

  private async runAttempt(mesh: Mesh, attempt: number): Promise<void> {
    const active = chooseActive(this.command.setting, mesh.members)!;
    const peers = mesh.peersAmong(active);
    if (attempt > 1) this.tools.onEvent("attempt", { attempt, members: mesh.members, active });
    if (peers === null) return; // Stands by.
    const tools: SessionTools = {
      ...this.tools,
      onPhase: (phase) => this.tools.onPhase(phase, attempt),
    };
    this.computing = mesh;
    try {
      const last = mesh.members.length - 1 < activeCount(this.command.setting);
      const result = await runClearing(tools, { peers, active }, this.command, this.orders, last);
      this.anyResult = true;
      this.tools.onResult({ attempt, active, result });
    } finally {
      this.computing = null;
    }
  }

  private brokenOrStopped(mesh: Mesh): Promise<void> {
    const { signal } = this.stop;
    if (signal.aborted) return Promise.resolve();
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    return Promise.race([mesh.whenBroken(), stopped]);
  }
}

/** Whether somebody was found not to follow the protocol. */
export const isLie = (error: unknown): boolean =>
  error instanceof AbortError ||
  (error instanceof ChannelError && (error.code === "protocol" || error.code === "flooded"));
