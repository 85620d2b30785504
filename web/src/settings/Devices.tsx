import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Laptop, LogOut, Smartphone } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, ok } from "@/api/client";
import type { components } from "@/types/openapi";
import {
  Badge,
  confirm,
  ErrorText,
  formatRelative,
  IconButton,
  Row,
  SkeletonRows,
  toast,
  useErrorWords,
} from "@/ui";
import { Section } from "./Section";
import { SignOutButton } from "./SignOutButton";

type Device = components["schemas"]["DeviceView"];

const KEY = ["devices"];
/** As many as anybody has; there are no more than the server keeps. */
const MOST = 200;

/** Where one is signed in; each of them can be signed out from here. */
export function Devices() {
  const { t } = useTranslation("settings");
  const { data, error, isPending, refetch } = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => ok(api.GET("/api/v1/devices", { params: { query: { limit: MOST } }, signal })),
  });
  if (isPending) return <SkeletonRows label={t("loading")} count={3} />;
  if (data === undefined) return <ErrorText error={error} onRetry={() => void refetch()} />;
  const others = data.items.filter((device) => !device.current);
  return (
    <>
      <Section title={t("devices.this")}>
        {data.items
          .filter((device) => device.current)
          .map((device) => (
            <DeviceRow key={device.id} device={device} />
          ))}
        <div>
          <SignOutButton />
        </div>
      </Section>
      <Section title={t("devices.others")} lead={others.length === 0 ? t("devices.none") : undefined}>
        {others.map((device) => (
          <DeviceRow key={device.id} device={device} />
        ))}
      </Section>
    </>
  );
}

function DeviceRow({ device }: { device: Device }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const words = useErrorWords();
  const end = useMutation({
    mutationFn: () =>
      ok(api.DELETE("/api/v1/devices/{device_id}", { params: { path: { device_id: device.id } } })),
    onSuccess: () => toast(t("devices.ended", { name: device.name })),
    onError: (error) => toast(words(error), { error: true }),
    onSettled: () => queries.invalidateQueries({ queryKey: KEY }),
  });
  const ask = async () => {
    const sure = await confirm({
      title: t("devices.end_title"),
      body: t("devices.end_body", { name: device.name }),
      action: t("sign_out.action"),
      danger: true,
    });
    if (sure) end.mutate();
  };
  const Icon = /android|iphone|phone|ios/i.test(device.name + device.platform) ? Smartphone : Laptop;
  return (
    <Row
      avatar={<Icon size={22} aria-hidden="true" />}
      title={<bdi>{device.name}</bdi>}
      subtitle={t("devices.used", { time: formatRelative(device.last_used_at) })}
      end={
        device.current ? (
          <Badge muted>{t("devices.current")}</Badge>
        ) : (
          <IconButton
            label={t("devices.end", { name: device.name })}
            icon={LogOut}
            variant="danger"
            isDisabled={end.isPending}
            onPress={() => void ask()}
          />
        )
      }
    />
  );
}
