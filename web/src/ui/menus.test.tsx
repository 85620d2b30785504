import { fireEvent, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { MoreVertical } from "lucide-react";
import { beforeAll, expect, test, vi } from "vitest";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import { Button, ContextMenu, IconButton, Menu, MenuItem, MenuSeparator, Popover } from ".";

beforeAll(() => useLanguage("en"));

function Items({ onEdit }: { onEdit: () => void }) {
  return (
    <>
      <MenuItem onAction={onEdit}>Edit</MenuItem>
      <MenuSeparator />
      <MenuItem onAction={() => undefined} danger>
        Delete
      </MenuItem>
    </>
  );
}

test("a menu opens from its button, is worked by the keyboard, and gives the focus back", async () => {
  const edit = vi.fn();
  renderPage(
    <Menu label="Actions" trigger={<IconButton label="More" icon={MoreVertical} />}>
      <Items onEdit={edit} />
    </Menu>,
  );
  const button = screen.getByRole("button", { name: "More" });
  expect(button.getAttribute("aria-haspopup")).toBe("menu");
  button.focus();
  await userEvent.keyboard("{ArrowDown}");
  await screen.findByRole("menu", { name: "Actions" });
  expect(document.activeElement?.textContent).toBe("Edit");
  await userEvent.keyboard("{ArrowDown}");
  expect(document.activeElement?.textContent).toBe("Delete");
  await userEvent.keyboard("{ArrowUp}{Enter}");
  expect(edit).toHaveBeenCalledOnce();
  expect(screen.queryByRole("menu")).toBeNull();
  await vi.waitFor(() => expect(document.activeElement).toBe(button));
});

test("Escape closes a menu and nothing is done", async () => {
  const edit = vi.fn();
  renderPage(
    <Menu label="Actions" trigger={<Button>More</Button>}>
      <Items onEdit={edit} />
    </Menu>,
  );
  await userEvent.click(screen.getByRole("button", { name: "More" }));
  await screen.findByRole("menu");
  await userEvent.keyboard("{Escape}");
  expect(screen.queryByRole("menu")).toBeNull();
  expect(edit).not.toHaveBeenCalled();
});

test("what has a context menu opens it by the secondary button; links keep the browser's", async () => {
  const edit = vi.fn();
  renderPage(
    <ContextMenu label="Message" menu={() => <Items onEdit={edit} />}>
      <p>hello</p>
      <a href="https://example.org">the example</a>
    </ContextMenu>,
  );
  expect(fireEvent.contextMenu(screen.getByRole("link"))).toBe(true);
  expect(fireEvent.contextMenu(screen.getByText("hello"), { clientX: 5, clientY: 5 })).toBe(false);
  await userEvent.click(await screen.findByRole("menuitem", { name: "Edit" }));
  expect(edit).toHaveBeenCalledOnce();
  expect(screen.queryByRole("menu")).toBeNull();
});

test("a popover is opened by its button and closed by what is in it", async () => {
  renderPage(
    <Popover label="Emoji" trigger={<Button>Emoji</Button>}>
      {(close) => <Button onPress={close}>Done</Button>}
    </Popover>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Emoji" }));
  await screen.findByRole("dialog", { name: "Emoji" });
  await userEvent.click(screen.getByRole("button", { name: "Done" }));
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("an icon's button says what it is called when the keyboard comes to it, until Escape", async () => {
  renderPage(<IconButton label="More" icon={MoreVertical} />);
  await userEvent.tab();
  screen.getByText("More");
  await userEvent.keyboard("{Escape}");
  expect(screen.queryByText("More")).toBeNull();
});
