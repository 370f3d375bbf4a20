// Jest's global tear-down, which also runs when tests fail.
export default async function stopMoto() {
  await globalThis.c360StopMoto?.();
}
