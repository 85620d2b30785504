"""Users as others see them: profiles, who knows whom, whom somebody has blocked."""
