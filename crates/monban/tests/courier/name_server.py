"""A name server on loopback that is good, slow or hostile by the name that is asked for."""
import os
import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28


def question(data):
    """The asked name, its type, and the question as it was sent."""
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    kind = struct.unpack('>H', data[at + 1:at + 3])[0]
    return '.'.join(labels), kind, data[12:at + 5]


def name(text):
    parts = text.split('.')
    return b''.join(bytes([len(p)]) + p.encode() for p in parts) + b'\0'


def record(owner, kind, data):
    return owner + struct.pack('>HHIH', kind, 1, 60, len(data)) + data


def answer(data, over_tcp):
    asked, kind, raw = question(data)
    same, records, code, cut = b'\xc0\x0c', [], 0, 0
    if asked.endswith('silent.example'):
        return None
    if asked == 'garbage.example':
        return data[:2] + os.urandom(200)
    if asked == 'both.example':
        if kind == A:
            records = [record(same, A, bytes([192, 0, 2, 1]))]
        elif kind == AAAA:
            records = [record(same, AAAA, socket.inet_pton(socket.AF_INET6, '2001:db8::1'))]
    elif asked == 'many.example':
        if kind == A and over_tcp:
            many = range(4000)
            records = [record(same, A, bytes([198, 51, at >> 8, at & 255])) for at in many]
        elif kind == A:
            cut = 0x0200
    elif asked == 'loop.example':
        records = [record(same, CNAME, name('loop2.example')),
                   record(name('loop2.example'), CNAME, name('loop.example'))]
    elif asked == 'mapped.example' and kind == AAAA:
        records = [record(same, AAAA, socket.inet_pton(socket.AF_INET6, '::ffff:192.0.2.9'))]
    else:
        code = 3
    head = data[:2] + struct.pack('>HHHHH', 0x8180 | cut | code, 1, len(records), 0, 0)
    return head + raw + b''.join(records)


def udp():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(('127.0.0.1', 53))
    print('ready', flush=True)
    while True:
        data, peer = server.recvfrom(4096)
        reply = answer(data, False)
        if reply is not None:
            server.sendto(reply, peer)


def tcp():
    server = socket.create_server(('127.0.0.1', 53))
    threading.Thread(target=udp, daemon=True).start()
    while True:
        peer, _ = server.accept()
        with peer, peer.makefile('rb') as stream:
            while len(head := stream.read(2)) == 2:
                reply = answer(stream.read(struct.unpack('>H', head)[0]), True) or b''
                peer.sendall(struct.pack('>H', len(reply)) + reply)


tcp()
