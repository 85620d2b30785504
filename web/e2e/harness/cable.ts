/** A line between one browser and the stack, that can be cut: connections break, and none come through until it is mended. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class Cable {
  readonly #server: Server;
  readonly #ends = new Set<Socket>();
  #whole = true;

  private constructor(targetPort: number) {
    this.#server = createServer((near) => {
      if (!this.#whole) {
        near.resetAndDestroy();
        return;
      }
      const far = connect(targetPort, "127.0.0.1");
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#ends.add(one);
        one.setNoDelay(true);
        one.pipe(other);
        // Whatever breaks one end breaks the other: that is what the line is for.
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#ends.delete(one);
          other.destroy();
        });
      }
    });
  }

  static async lay(targetPort: number): Promise<Cable> {
    const cable = new Cable(targetPort);
    await new Promise<void>((resolve) => cable.#server.listen(0, "127.0.0.1", resolve));
    return cable;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#whole = false;
    for (const end of this.#ends) end.resetAndDestroy();
  }

  mend(): void {
    this.#whole = true;
  }

  async remove(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
