"""Sockets: what a tenant's open browsers and scripts are told as it happens.

    passes     who is at the other end, for which tenant          origin   which pages may open one
    watch      is that still so: one check for all of a process    feed     a tenant as this process shows it
    line       one socket's frames: snapshot, deltas, newest wins  consumers, routing

A socket of `/ws/<topic>` (also `/api/ws/<topic>`) speaks JSON envelopes `{"type","topic","seq","at","data"}`: a
snapshot, then deltas; `seq` rises by one per topic and socket. The client may send `{"type": "subscribe|unsubscribe|
snapshot|pause|resume", "topic"}` and `{"type": "ping"}`. Close codes: 4400 name a tenant, 4401 sign in (again), 4403
no longer yours, 4404 no such tenant or socket, 4429 too many, 1008 and 1009 too much sent, 1013 try again later.
"""
