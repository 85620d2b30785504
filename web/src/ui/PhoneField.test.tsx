import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { beforeAll, expect, test } from "vitest";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import { PhoneField } from "./PhoneField";

beforeAll(() => useLanguage("en"));

function Field({ first = "" }: { first?: string }) {
  const [value, setValue] = useState(first);
  return (
    <>
      <PhoneField label="Phone" value={value} onChange={setValue} />
      <output>{value}</output>
    </>
  );
}

async function field() {
  renderPage(<Field />);
  const country = screen.getByLabelText<HTMLSelectElement>("Country");
  await waitFor(() => expect(country.children.length).toBeGreaterThan(200));
  return {
    country,
    input: screen.getByLabelText("Phone"),
    value: () => screen.getByRole("status").textContent,
  };
}

test("a number of the country that is chosen becomes an international one", async () => {
  const { country, input, value } = await field();
  await userEvent.selectOptions(country, "DE");
  await userEvent.type(input, "030123456");
  expect(value()).toBe("+4930123456");
});

test("a country code that is typed chooses the country", async () => {
  const { country, input, value } = await field();
  await userEvent.type(input, "+966501234567");
  expect(country.value).toBe("SA");
  expect(value()).toBe("+966501234567");
});

test("another country keeps the digits", async () => {
  const { country, input, value } = await field();
  await userEvent.selectOptions(country, "DE");
  await userEvent.type(input, "030123456");
  await userEvent.selectOptions(country, "AT");
  expect(value()).toMatch(/^\+43/);
});

test("what is no number is no number", async () => {
  const { input, value } = await field();
  await userEvent.type(input, "abc");
  expect(value()).toBe("");
});
