"""The id that follows a request from the door to the node."""

from tenants.visitors import request_id as request_id
