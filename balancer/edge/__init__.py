"""What runs beside an HAProxy: its sockets, its files, and the way from one state to the next.

Knows no row, no ORM and no Django, and holds no database credential. It is told what to reach by signed messages
(`converge`), and everything that it must not forget lies in the node's own folder (`store`).
"""
