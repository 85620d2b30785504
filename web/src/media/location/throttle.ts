/** The newest of what comes often, passed on at most once in a while: the first at once, the last always. */
export class Throttle<T> {
  private last = Number.NEGATIVE_INFINITY;
  private waiting: { value: T } | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly everyMs: number,
    private readonly pass: (value: T) => void,
    private readonly now: () => number = Date.now,
  ) {}

  offer(value: T): void {
    const left = this.last + this.everyMs - this.now();
    if (left <= 0 && this.timer === null) {
      this.last = this.now();
      this.pass(value);
      return;
    }
    this.waiting = { value };
    this.timer ??= setTimeout(() => this.due(), Math.max(0, left));
  }

  /** Nothing that waits is passed on any more. */
  end(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.waiting = null;
  }

  private due(): void {
    this.timer = null;
    const { waiting } = this;
    this.waiting = null;
    if (waiting === null) return;
    this.last = this.now();
    this.pass(waiting.value);
  }
}
