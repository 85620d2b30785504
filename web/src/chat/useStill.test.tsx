import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { useStill } from "./useStill";

function List({ items }: { items: string }) {
  const [shown, onPointerDown] = useStill(items);
  return (
    <div data-testid="list" onPointerDown={onPointerDown}>
      <button type="button">{shown}</button>
    </div>
  );
}

const shown = () => screen.getByRole("button").textContent;

test("what is pressed does not change until it has been clicked, then it is as it has become", async () => {
  const user = userEvent.setup();
  const { rerender } = render(<List items="one" />);
  await user.pointer({ keys: "[MouseLeft>]", target: screen.getByRole("button") });
  rerender(<List items="two" />);
  await user.pointer("[/MouseLeft]");
  expect(shown()).toBe("one");
  await vi.waitFor(() => expect(shown()).toBe("two"));
  rerender(<List items="three" />);
  expect(shown()).toBe("three");
});

test("a press that is taken away ends as well; one of another button, or beside everything, is none", async () => {
  const user = userEvent.setup();
  const { rerender } = render(<List items="one" />);
  await user.pointer({ keys: "[MouseLeft>]", target: screen.getByRole("button") });
  rerender(<List items="two" />);
  expect(shown()).toBe("one");
  fireEvent.pointerCancel(window);
  await vi.waitFor(() => expect(shown()).toBe("two"));
  await user.pointer([
    { keys: "[/MouseLeft]" },
    { keys: "[MouseRight>]", target: screen.getByRole("button") },
    { keys: "[/MouseRight]" },
    { keys: "[MouseLeft>]", target: screen.getByTestId("list") },
  ]);
  rerender(<List items="three" />);
  expect(shown()).toBe("three");
});
