"""A session as one self-contained HTML page."""

from thinkedit.page.data import page_data
from thinkedit.page.render import app_page, content_security_policy, live_page, session_page

__all__ = ["app_page", "content_security_policy", "live_page", "page_data", "session_page"]
