import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CheckpointError, LockError, lockFolder, PermissionError } from "../../../core/mod.ts";
import { holder } from "./_holder.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("lockFolder() refuses a folder that another process has locked, naming it, and takes over when that was killed", () =>
  inFolder(async (folder) => {
    const process = await holder(folder);
    try {
      const error = await assertRejects(() => lockFolder(folder), LockError);
      assertMatch(error.message, new RegExp(`is in use by process ${process.pid} on .+ since 20\\d\\d-.*T`));
    } finally {
      process.kill("SIGKILL");
      await process.status;
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), [".lock"]); // stale
    const lock = await lockFolder(folder);
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/.lock`)).pid, Deno.pid);
    lock.release();
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("lockFolder() lets one process lock a folder several times, and keeps it until the last release", () =>
  inFolder(async (folder) => {
    const [first, second] = [await lockFolder(folder), await lockFolder(`${folder}/../${folder.split("/").at(-1)}`)];
    first.release();
    first.release();
    assertEquals((await Deno.lstat(`${folder}/.lock`)).isFile, true);
    second.release();
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("lockFolder() does not write through a symbolic link", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/other`, "precious");
    await Deno.mkdir(`${folder}/run`);
    await Deno.symlink(`${folder}/other`, `${folder}/run/.lock`);
    await assertRejects(() => lockFolder(`${folder}/run`), LockError, "found a symbolic link");
    assertEquals(await Deno.readTextFile(`${folder}/other`), "precious");
  }));

Deno.test("lockFolder() refuses a folder that is not there", () =>
  inFolder(async (folder) => {
    await assertRejects(() => lockFolder(`${folder}/none`), CheckpointError, `${folder}/none cannot be locked`);
  }));

Deno.test({
  name: "lockFolder() names the permission that is missing",
  permissions: { read: true, write: [] },
  fn: async () => {
    await assertRejects(() => lockFolder("runs"), PermissionError, "--allow-write=runs");
  },
});
