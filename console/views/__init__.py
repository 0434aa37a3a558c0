"""What the terminal shows: tables, trees and the board of the demo."""
