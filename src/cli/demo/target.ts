/** What every target process of the demo does: takes orders from its parent, and ends when the parent is gone. */
export function takeOrders(port: number, obey: (order: string) => Promise<void> | void): void {
  process.on("message", (order) => {
    void Promise.resolve(obey(String(order))).then(() => process.send?.("done"));
  });
  process.on("disconnect", () => process.exit());
  process.on("SIGTERM", () => process.exit());
  process.send?.(port);
}
