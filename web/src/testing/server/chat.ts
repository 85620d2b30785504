/** A chat as the simulated server has it: its log, and what members are shown of it. */
import type { ChatView, MessageType, MessageView, Role } from "@/types/socket";

export interface Member {
  role: Role;
  delivered: number;
  read: number;
  pinned: boolean;
  muted: boolean;
  updatedAt: number;
}

export interface NewMessage {
  client_id: string;
  type: MessageType;
  content: Record<string, unknown>;
  media_id?: string;
  reply_to?: number;
  forwarded?: true;
}

export class SimulatedChat {
  rev = 0;
  readonly messages: MessageView[] = [];
  readonly members = new Map<string, Member>();
  /** Revs that are no message's: changes of membership and title. */
  private readonly otherRevs: number[] = [];
  private readonly createdAt = new Date().toISOString();

  constructor(
    readonly id: string,
    readonly type: ChatView["type"],
    public title: string,
    private readonly createdBy: string,
  ) {}

  join(userId: string, role: Role): void {
    this.members.set(userId, {
      role,
      delivered: this.messages.length,
      read: this.messages.length,
      pinned: false,
      muted: false,
      updatedAt: Date.now(),
    });
  }

  /** A change that is no message. @returns its rev */
  change(): number {
    this.rev += 1;
    this.otherRevs.push(this.rev);
    return this.rev;
  }

  find(senderId: string, clientId: string): MessageView | undefined {
    return this.messages.find((each) => each.sender_id === senderId && each.client_id === clientId);
  }

  append(senderId: string, message: NewMessage): MessageView {
    this.rev += 1;
    const seq = this.messages.length + 1;
    const view: MessageView = {
      id: `${this.id}-${seq}`,
      chat_id: this.id,
      seq,
      rev: this.rev,
      sender_id: senderId,
      client_id: message.client_id,
      type: message.type,
      content: message.content,
      media_id: message.media_id ?? null,
      reply_to: message.reply_to ?? null,
      ...(message.forwarded === undefined ? {} : { forwarded: message.forwarded }),
      created_at: new Date().toISOString(),
      edited_at: null,
      deleted: false,
    };
    this.messages.push(view);
    return view;
  }

  replace(seq: number, part: Partial<MessageView>): MessageView {
    this.rev += 1;
    const view = { ...(this.messages[seq - 1] as MessageView), ...part, rev: this.rev };
    this.messages[seq - 1] = view;
    return view;
  }

  /** Entries after a rev, in order: messages, and `null` for what is none. */
  changes(afterRev: number, limit: number): { items: MessageView[]; rev: number; more: boolean } {
    const entries = [
      ...this.messages
        .filter((message) => message.rev > afterRev)
        .map((message) => ({ rev: message.rev, message })),
      ...this.otherRevs.filter((rev) => rev > afterRev).map((rev) => ({ rev, message: null })),
    ].sort((a, b) => a.rev - b.rev);
    const page = entries.slice(0, limit);
    return {
      items: page.flatMap(({ message }) => message ?? []),
      rev: page.at(-1)?.rev ?? afterRev,
      more: entries.length > limit,
    };
  }

  view(userId: string): ChatView {
    const member = this.members.get(userId) as Member;
    const peer = this.type === "direct" ? [...this.members.keys()].find((id) => id !== userId) : undefined;
    const cursorsOf = (id: string) => {
      const { delivered, read } = this.members.get(id) as Member;
      return { user_id: id, delivered_seq: delivered, read_seq: read };
    };
    return {
      id: this.id,
      type: this.type,
      title: this.title,
      peer_id: peer ?? null,
      created_by: this.createdBy,
      created_at: this.createdAt,
      member_count: this.members.size,
      last_seq: this.messages.length,
      rev: this.rev,
      last_message: this.messages.at(-1) ?? null,
      unread: this.messages.filter((m) => m.seq > member.read && m.sender_id !== userId && !m.deleted).length,
      pinned: member.pinned,
      muted: member.muted,
      muted_until: null,
      my_role: member.role,
      delivered_seq: member.delivered,
      read_seq: member.read,
      cursors: [cursorsOf(userId), ...(peer === undefined ? [] : [cursorsOf(peer)])],
    };
  }
}
