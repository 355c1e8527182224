// vCPUs on threads of their own, as a machine sees them. Where their guests run, and how their exits get here, is the transport's affair.

export interface RemoteVcpuOptions {
  readonly vcpu: number;
  readonly name: string;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** What the guest imports, each call with its exit counted; to be called on this thread. */
  readonly imports: WebAssembly.Imports;
  /** To be called now and then while the vCPU runs: the machine's work that waits for no exit. */
  attend(): void;
  /** The thread has ended without having been asked to. */
  onEnd(reason: Error): void;
}

export interface RemoteVcpu {
  /** Value of the guest's `vsmmu_abi`. */
  readonly abi: number | undefined;
  /** Guest code may be running: neither at an exit, nor paused, nor outside of the guest. */
  readonly inGuest: boolean;
  /** Paused, or not in the guest. */
  readonly still: boolean;
  /**
   * Runs one of the guest's exports to its end.
   * @throws {Error} what came through the guest's frames, or why the thread ended.
   */
  run(name: string, ...args: number[]): Promise<number | undefined>;
  /** Pauses the vCPU at its next safe point, or lets it go on. */
  setPaused(paused: boolean): void;
  /** Ends the thread: at its next safe point, or after a time of grace wherever it is. */
  stop(): Promise<void>;
}

export interface VcpuTransport {
  /** Starts a thread and instantiates the guest in it. */
  start(options: RemoteVcpuOptions): Promise<RemoteVcpu>;
}
